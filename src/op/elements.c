/* SPDX-License-Identifier: Apache-2.0 */
/* Known elements, computed from an operator's only definition.
 *
 * Models compute shapes with ordinary operators: Gather of a Shape, Concat,
 * Slice, ReduceProd, Cast. A value whose elements are known expressions is
 * called small here; a node with small inputs only is evaluated by taking its
 * stages, giving every axis and reduction each of its values, and replacing
 * loads by the elements they name. What comes out are expressions of the open
 * dimensions, or numbers where there are none.
 *
 * All integers are i64 in elements, whatever the value's dtype: they are counts
 * and positions. Floats keep their dtype. An element that overflows an int32
 * shape would differ, and is beyond any dimension.
 */
#include "op/elements.h"

#include "ir/expand_math.h"
#include "ir/simplify.h"

enum {
  ELEMENT_LIMIT = 256,   /* per value */
  REAL_ELEMENT_LIMIT = 16,
  STEP_LIMIT = 1 << 14   /* elements times reduction steps */
};

static enum adze_dtype element_dtype(enum adze_dtype dtype) {
  return dtype_is_integer(dtype) ? ADZE_I64 : dtype;
}

/* ---- Memory: buffers with their elements --------------------------------- */

struct memory_entry {
  const struct buffer *buffer;
  const struct expr *const *elements;
};

struct evaluation {
  struct expr_pool *pool;
  struct arena *arena;
  VEC(struct memory_entry) memory;
  bool failed;
};

static bool element_count(const struct buffer *buffer, size_t *out) {
  size_t count = 1;
  for (size_t i = 0; i < buffer->rank; i++) {
    int64_t extent;
    if (!expr_get_integer(buffer->shape[i], &extent) || extent < 0 ||
        !size_mul(count, (size_t)extent, &count))
      return false;
  }
  *out = count;
  return count <= ELEMENT_LIMIT;
}

static const struct expr *resolve_load(struct evaluation *evaluation,
                                       const struct expr *load) {
  const struct buffer *buffer = load->buffer;
  int64_t position = 0;
  for (size_t i = 0; i < buffer->rank; i++) {
    int64_t index, extent;
    if (!expr_get_integer(load->args[i], &index) ||
        !expr_get_integer(buffer->shape[i], &extent) || index < 0 ||
        index >= extent)
      return NULL;
    position = position * extent + index;
  }
  for (size_t i = 0; i < evaluation->memory.count; i++)
    if (evaluation->memory.data[i].buffer == buffer)
      return evaluation->memory.data[i].elements[position];
  return NULL;
}

static const struct expr *resolve(void *context, const struct expr *node) {
  struct evaluation *evaluation = context;
  if (node->kind != EXPR_LOAD)
    return node;
  const struct expr *element = resolve_load(evaluation, node);
  if (element != NULL)
    return element;
  return node; /* a load that a folded select drops does no harm */
}

struct contents {
  bool has_load, has_function, is_open;
};

static void find_contents(void *context, const struct expr *node) {
  struct contents *contents = context;
  contents->has_load |= node->kind == EXPR_LOAD;
  contents->has_function |= node->kind >= EXPR_EXP && node->kind <= EXPR_POW;
  contents->is_open |= node->kind == EXPR_VARIABLE;
}

/* A power of numbers becomes a number; one of an open dimension is no count
 * that the code which plans memory could compute. */
static const struct expr *value_at(struct evaluation *evaluation,
                                   const struct expr *body,
                                   const struct substitution *places,
                                   size_t count) {
  struct expr_pool *pool = evaluation->pool;
  body = expr_substitute(pool, body, places, count);
  body = simplify(pool, expr_map(pool, body, resolve, evaluation));
  struct contents contents = {0};
  expr_walk(pool, body, find_contents, &contents);
  evaluation->failed |=
      contents.has_load || (contents.has_function && contents.is_open);
  if (contents.has_function && !evaluation->failed)
    body = simplify(pool, expand_math(pool, body, false));
  return body;
}

/* ---- Stages -------------------------------------------------------------- */

/* Moves to the next place in row-major order; false behind the last. */
static bool advance(struct evaluation *evaluation, struct substitution *places,
                    struct variable *const *variables, size_t count) {
  for (size_t i = count; i-- > 0;) {
    int64_t at, extent;
    check(expr_get_integer(places[i].value, &at));
    check(expr_get_integer(variables[i]->extent, &extent));
    bool is_last = at + 1 >= extent;
    places[i].value = expr_index(evaluation->pool, is_last ? 0 : at + 1);
    if (!is_last)
      return true;
  }
  return false;
}

static void start(struct evaluation *evaluation, struct substitution *places,
                  struct variable *const *variables, size_t count) {
  for (size_t i = 0; i < count; i++)
    places[i] = (struct substitution){variables[i],
                                      expr_index(evaluation->pool, 0)};
}

static const struct expr *reduced(struct evaluation *evaluation,
                                  const struct stage *stage,
                                  struct substitution *places) {
  size_t axes = stage->axis_count;
  const struct expr *result =
      value_at(evaluation, stage->initial, places, axes);
  start(evaluation, places + axes, stage->reductions, stage->reduction_count);
  do {
    const struct expr *term = value_at(evaluation, stage->body, places,
                                       axes + stage->reduction_count);
    result = simplify(evaluation->pool,
                      reduce_combine(evaluation->pool, stage->reduce, result,
                                     term));
  } while (!evaluation->failed &&
           advance(evaluation, places + axes, stage->reductions,
                   stage->reduction_count));
  return result;
}

static bool is_small_stage(const struct stage *stage, size_t count) {
  for (size_t i = 0; i < stage->reduction_count; i++) {
    int64_t extent;
    if (!expr_get_integer(stage->reductions[i]->extent, &extent) ||
        extent < 1 || extent > STEP_LIMIT)
      return false;
    if (!size_mul(count, (size_t)extent, &count) || count > STEP_LIMIT)
      return false;
  }
  return true;
}

static const struct expr *const *evaluate_stage(struct evaluation *evaluation,
                                                const struct stage *stage) {
  struct substitution places[2 * LOOP_MAX_RANK];
  size_t count;
  if (!element_count(stage->output, &count) || !is_small_stage(stage, count))
    return NULL;
  const struct expr **elements =
      ARENA_ARRAY(evaluation->arena, const struct expr *, count + 1);
  start(evaluation, places, stage->axes, stage->axis_count);
  for (size_t i = 0; i < count && !evaluation->failed; i++) {
    elements[i] = stage->reduce == REDUCE_NONE
                      ? value_at(evaluation, stage->body, places,
                                 stage->axis_count)
                      : reduced(evaluation, stage, places);
    advance(evaluation, places, stage->axes, stage->axis_count);
  }
  if (evaluation->failed)
    return NULL;
  struct memory_entry entry = {stage->output, elements};
  vec_push(evaluation->arena, &evaluation->memory, entry);
  return elements;
}

/* ---- Nodes --------------------------------------------------------------- */

static bool is_candidate(const struct node *node) {
  if (node->op->express == NULL || node->op->fusion == FUSION_ANCHOR ||
      node->input_count == 0)
    return false;
  for (size_t i = 0; i < node->input_count; i++) {
    const struct value *input = node->inputs[i];
    if (input != NULL && input->elements == NULL)
      return false;
  }
  for (size_t i = 0; i < node->output_count; i++) {
    const struct value *output = node->outputs[i];
    size_t count;
    if (!value_count(output, &count) ||
        count > (dtype_is_float(output->dtype) ? REAL_ELEMENT_LIMIT
                                               : ELEMENT_LIMIT))
      return false;
  }
  return true;
}

static struct buffer *buffer_for(struct evaluation *evaluation,
                                 const struct value *value) {
  return buffer_new(evaluation->pool, value->name,
                    element_dtype(value->dtype), BUFFER_ARGUMENT, value->dims,
                    value->rank);
}

static void evaluate_stages(struct evaluation *evaluation,
                            struct express *express, struct node *node) {
  for (size_t i = 0; i < express->stages.count; i++)
    if (evaluate_stage(evaluation, express->stages.data[i]) == NULL)
      return;
  for (size_t i = 0; i < evaluation->memory.count; i++)
    for (size_t k = 0; k < node->output_count; k++)
      if (evaluation->memory.data[i].buffer == express->outputs[k]) {
        check(value_count(node->outputs[k], &node->outputs[k]->element_count));
        node->outputs[k]->elements = evaluation->memory.data[i].elements;
      }
}

void elements_evaluate(struct graph *graph, struct node *node) {
  if (!is_candidate(node))
    return;
  struct evaluation evaluation = {.pool = graph->pool, .arena = graph->arena};
  struct adze_error ignored;
  struct buffer **inputs =
      ARENA_ARRAY(graph->arena, struct buffer *, node->input_count + 1);
  struct buffer **outputs =
      ARENA_ARRAY(graph->arena, struct buffer *, node->output_count + 1);
  for (size_t i = 0; i < node->input_count; i++) {
    if (node->inputs[i] == NULL)
      continue;
    inputs[i] = buffer_for(&evaluation, node->inputs[i]);
    struct memory_entry entry = {inputs[i], node->inputs[i]->elements};
    vec_push(graph->arena, &evaluation.memory, entry);
  }
  for (size_t i = 0; i < node->output_count; i++)
    outputs[i] = buffer_for(&evaluation, node->outputs[i]);
  struct express express = {.pool = graph->pool,
                            .node = node,
                            .inputs = inputs,
                            .outputs = outputs,
                            .error = &ignored};
  if (node_express(&express) == ADZE_OK)
    evaluate_stages(&evaluation, &express, node);
}

struct value *graph_add_elements(struct graph *graph, const char *name,
                                 enum adze_dtype dtype,
                                 const struct expr *const *dims, size_t rank,
                                 const struct expr *const *elements,
                                 size_t count) {
  struct node *node =
      graph_add_node(graph, &op_shape_elements, name, NULL, 0, 1);
  struct value *value = node->outputs[0];
  const struct expr **copy =
      ARENA_ARRAY(graph->arena, const struct expr *, count + 1);
  for (size_t i = 0; i < count; i++)
    copy[i] = elements[i];
  value->dtype = dtype;
  value->rank = rank;
  for (size_t i = 0; i < rank; i++)
    value->dims[i] = dims[i];
  value->elements = copy;
  value->element_count = count;
  return value;
}
