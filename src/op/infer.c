/* SPDX-License-Identifier: Apache-2.0 */
/* Shape and type inference: what operators' infer functions have in common.
 *
 * A relation between dimensions is decided at once where it can be; what
 * depends on open dimensions becomes a constraint that is checked when an
 * instance is made, with the sentence that is prepared here. An open dimension
 * is never taken to be 1 by luck: two different dimensions that must broadcast
 * are demanded to be equal.
 */
#include "op/op.h"

#include "ir/loop_text.h"
#include "ir/simplify.h"
#include "op/elements.h"
#include "op/infer.h"

#include <stdio.h>
#include <string.h>

/* ---- Messages ------------------------------------------------------------ */

static enum adze_status fail_node(struct adze_error *error,
                                  const struct node *node,
                                  enum adze_status status, const char *format,
                                  va_list arguments) {
  char message[800];
  vsnprintf(message, sizeof message, format, arguments);
  return fail(error, status, "node '%s' (%s): %s", node->name, node->op->name,
              message);
}

enum adze_status infer_fail(struct infer *infer, enum adze_status status,
                            const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  status = fail_node(infer->error, infer->node, status, format, arguments);
  va_end(arguments);
  return status;
}

const char *infer_dims_text(struct infer *infer, const struct value *value) {
  return value_dims_text(infer->graph->arena, value);
}

/* ---- Demands ------------------------------------------------------------- */

static void add_constraint(struct graph *graph, const struct expr *condition,
                           const char *sentence) {
  for (size_t i = 0; i < graph->constraints.count; i++)
    if (graph->constraints.data[i].condition == condition)
      return;
  struct constraint constraint = {condition, sentence};
  vec_push(graph->arena, &graph->constraints, constraint);
}

enum adze_status graph_require(struct graph *graph, const struct node *node,
                               const struct expr *condition, const char *what,
                               struct adze_error *error) {
  condition = simplify(graph->pool, condition);
  int64_t known;
  if (expr_get_integer(condition, &known))
    return known ? ADZE_OK
                 : fail(error, ADZE_SHAPE, "node '%s' (%s): %s", node->name,
                        node->op->name, what);
  if (!simplify_proves(graph->pool, condition))
    add_constraint(graph, condition,
                   arena_printf(graph->arena, "node '%s' (%s): %s", node->name,
                                node->op->name, what));
  return ADZE_OK;
}

enum adze_status graph_require_equal(struct graph *graph,
                                     const struct node *node, const char *what,
                                     const struct expr *a,
                                     const struct expr *b,
                                     struct adze_error *error) {
  int64_t x, y;
  if (a == b)
    return ADZE_OK;
  if (expr_get_integer(a, &x) && expr_get_integer(b, &y))
    return fail(error, ADZE_SHAPE,
                "node '%s' (%s): %s must be equal, and are %lld and %lld",
                node->name, node->op->name, what, (long long)x, (long long)y);
  return graph_require(graph, node, expr_equal(graph->pool, a, b),
                       arena_printf(graph->arena, "%s must be equal", what),
                       error);
}

/* ---- For infer functions ------------------------------------------------- */

struct value *infer_input(struct infer *infer, size_t index) {
  return index < infer->node->input_count ? infer->node->inputs[index] : NULL;
}

void infer_output(struct infer *infer, size_t index, enum adze_dtype dtype,
                  const struct expr *const *dims, size_t rank) {
  check(index < infer->node->output_count && rank <= GRAPH_MAX_RANK);
  struct value *output = infer->node->outputs[index];
  output->dtype = dtype;
  output->rank = rank;
  for (size_t i = 0; i < rank; i++)
    output->dims[i] = simplify(infer->graph->pool, dims[i]);
}

void infer_like(struct infer *infer, size_t index, const struct value *value) {
  infer_output(infer, index, value->dtype, value->dims, value->rank);
}

static const struct expr *broadcast_dim(struct infer *infer,
                                        const struct expr *a,
                                        const struct expr *b, size_t axis,
                                        enum adze_status *status) {
  if (a == b || expr_is_value(b, 1))
    return a;
  if (expr_is_value(a, 1))
    return b;
  char what[64];
  snprintf(what, sizeof what, "the inputs' sizes of dimension %zu", axis);
  *status = graph_require_equal(infer->graph, infer->node, what, a, b,
                                infer->error);
  return expr_is_integer(b) ? b : a;
}

enum adze_status infer_broadcast(struct infer *infer, const struct value *a,
                                 const struct value *b,
                                 const struct expr **dims, size_t *rank) {
  return infer_broadcast_dims(infer, a->dims, a->rank, b->dims, b->rank, dims,
                              rank);
}

enum adze_status infer_broadcast_dims(struct infer *infer,
                                      const struct expr *const *a,
                                      size_t a_rank,
                                      const struct expr *const *b,
                                      size_t b_rank, const struct expr **dims,
                                      size_t *rank) {
  size_t count = a_rank > b_rank ? a_rank : b_rank;
  const struct expr *one = expr_index(infer->graph->pool, 1);
  const struct expr *result[GRAPH_MAX_RANK]; /* dims may be a or b */
  for (size_t i = 0; i < count; i++) {
    const struct expr *x = i + a_rank >= count ? a[i + a_rank - count] : one;
    const struct expr *y = i + b_rank >= count ? b[i + b_rank - count] : one;
    enum adze_status status = ADZE_OK;
    result[i] = broadcast_dim(infer, x, y, i, &status);
    TRY(status);
  }
  for (size_t i = 0; i < count; i++)
    dims[i] = result[i];
  *rank = count;
  return ADZE_OK;
}

enum adze_status infer_axis(struct infer *infer, int64_t axis, size_t rank,
                            size_t *out) {
  int64_t limit = (int64_t)rank;
  if (axis < -limit || axis >= limit)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "axis %lld is out of range for rank %zu",
                      (long long)axis, rank);
  *out = (size_t)(axis < 0 ? axis + limit : axis);
  return ADZE_OK;
}

enum adze_status infer_same_dtype(struct infer *infer) {
  const struct value *first = infer_input(infer, 0);
  for (size_t i = 1; i < infer->node->input_count; i++) {
    const struct value *input = infer_input(infer, i);
    if (input != NULL && input->dtype != first->dtype)
      return infer_fail(infer, ADZE_INVALID_MODEL,
                        "inputs 0 and %zu differ in type: %s and %s", i,
                        dtype_name(first->dtype), dtype_name(input->dtype));
  }
  return ADZE_OK;
}

enum adze_status infer_rank(struct infer *infer, size_t index, size_t minimum,
                            size_t maximum) {
  const struct value *input = infer_input(infer, index);
  if (input->rank >= minimum && input->rank <= maximum)
    return ADZE_OK;
  if (minimum == maximum)
    return infer_fail(infer, ADZE_SHAPE,
                      "input %zu ('%s') has shape %s; rank %zu is expected",
                      index, input->name, infer_dims_text(infer, input),
                      minimum);
  return infer_fail(infer, ADZE_SHAPE,
                    "input %zu ('%s') has shape %s; rank %zu to %zu is "
                    "expected",
                    index, input->name, infer_dims_text(infer, input), minimum,
                    maximum);
}

const struct expr *const *infer_operand(struct infer *infer, size_t index,
                                        const char *attribute, size_t *count) {
  const struct value *value = infer_input(infer, index);
  if (value != NULL) {
    *count = value->element_count;
    return value->elements;
  }
  const int64_t *integers = node_ints(infer->node, attribute, count);
  const struct expr **list =
      ARENA_ARRAY(infer->graph->arena, const struct expr *, *count + 1);
  for (size_t i = 0; i < *count; i++)
    list[i] = expr_index(infer->graph->pool, integers[i]);
  return list;
}

/* ---- node_infer ---------------------------------------------------------- */

static enum adze_status check_arity(struct infer *infer, const char *what,
                                    size_t count, int minimum, int maximum) {
  if (count >= (size_t)minimum && (maximum < 0 || count <= (size_t)maximum))
    return ADZE_OK;
  if (minimum == maximum)
    return infer_fail(infer, ADZE_INVALID_MODEL, "has %zu %s; %d expected",
                      count, what, minimum);
  if (maximum < 0)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "has %zu %s; at least %d expected", count, what,
                      minimum);
  return infer_fail(infer, ADZE_INVALID_MODEL, "has %zu %s; %d to %d expected",
                    count, what, minimum, maximum);
}

static enum adze_status check_shape_input(struct infer *infer, size_t index) {
  const struct value *input = infer_input(infer, index);
  bool takes_reals = infer->node->op->flags & OP_REAL_OPERANDS;
  if (input->dtype == ADZE_BOOL ||
      (!dtype_is_integer(input->dtype) && !takes_reals))
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "input %zu ('%s') is %s; integers are expected", index,
                      input->name, dtype_name(input->dtype));
  if (input->elements == NULL)
    return infer_fail(infer, ADZE_UNSUPPORTED,
                      "input %zu ('%s') is computed from data, so the shapes "
                      "that follow are unknown before a run",
                      index, input->name);
  return ADZE_OK;
}

static enum adze_status check_inputs(struct infer *infer) {
  const struct node *node = infer->node;
  const struct op_def *op = node->op;
  TRY(check_arity(infer, "inputs", node->input_count, op->min_inputs,
                  op->max_inputs));
  TRY(check_arity(infer, "outputs", node->output_count, op->min_outputs,
                  op->max_outputs));
  for (size_t i = 0; i < node->input_count; i++) {
    const struct value *input = node->inputs[i];
    bool is_needed = i < (size_t)op->min_inputs || op->max_inputs < 0;
    if (input == NULL && is_needed)
      return infer_fail(infer, ADZE_INVALID_MODEL, "input %zu is missing", i);
    if (input == NULL)
      continue;
    if (input->dtype == ADZE_DTYPE_NONE)
      return infer_fail(infer, ADZE_INVALID_MODEL, "input '%s' has no type",
                        input->name);
    if (i < 32 && (op->shape_inputs >> i & 1))
      TRY(check_shape_input(infer, i));
  }
  for (size_t i = 0; op->attributes && op->attributes[i].name != NULL; i++)
    if (op->attributes[i].required && !node->attributes[i].is_set)
      return infer_fail(infer, ADZE_INVALID_MODEL,
                        "attribute '%s' is missing", op->attributes[i].name);
  return ADZE_OK;
}

/* Every dimension is at least 1; only lists of dimensions may be empty. No
 * value is larger than any machine's memory. */
static const int64_t ELEMENTS_MOST = INT64_C(1) << 40;

static enum adze_status check_output(struct infer *infer,
                                     const struct value *output) {
  struct graph *graph = infer->graph;
  int64_t count = 1;
  for (size_t i = 0; i < output->rank; i++) {
    int64_t dim;
    if (expr_get_integer(output->dims[i], &dim)) {
      if (dim < 0 || (dim == 0 && output->rank > 1) ||
          (dim == 0 && output->elements == NULL))
        return infer_fail(infer, ADZE_SHAPE,
                          "dimension %zu of output '%s' would be %lld; at "
                          "least 1 is expected",
                          i, output->name, (long long)dim);
      if (!int64_mul(count, dim, &count) || count > ELEMENTS_MOST)
        return infer_fail(infer, ADZE_LIMIT,
                          "output '%s' of shape %s is too large",
                          output->name, infer_dims_text(infer, output));
      continue;
    }
    char what[128];
    snprintf(what, sizeof what,
             "dimension %zu of the output must be at least 1", i);
    TRY(graph_require(graph, infer->node,
                      expr_less_equal(graph->pool, expr_index(graph->pool, 1),
                                      output->dims[i]),
                      what, infer->error));
  }
  return ADZE_OK;
}

enum adze_status node_infer(struct graph *graph, struct node *node,
                            struct adze_error *error) {
  struct infer infer = {graph, node, error};
  TRY(check_inputs(&infer));
  TRY(node->op->infer(&infer));
  elements_evaluate(graph, node);
  for (size_t i = 0; i < node->output_count; i++)
    TRY(check_output(&infer, node->outputs[i]));
  return ADZE_OK;
}

/* ---- Texts --------------------------------------------------------------- */

const char *dtype_name(enum adze_dtype dtype) {
  static const char *const names[] = {
#define X(name, number, bytes, kind, text) [number] = text,
      ADZE_DTYPE_LIST(X)
#undef X
  };
  check((size_t)dtype < ARRAY_COUNT(names));
  return names[dtype] != NULL ? names[dtype] : "untyped";
}

const char *value_dims_text(struct arena *arena, const struct value *value) {
  struct text text = {.arena = arena};
  text_add(&text, "[");
  for (size_t i = 0; i < value->rank; i++) {
    text_add(&text, i > 0 ? ", " : "");
    expr_print(&text, value->dims[i]);
  }
  text_add(&text, "]");
  return text_string(&text);
}
