/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes as values: shape, size, and shape_elements.
 *
 * What a model computes from shapes is followed as expressions (op/elements.c)
 * while it is imported and inferred, so no kernel is needed for it, unless it
 * meets data: dividing a sum by the number of elements, say. There stands
 * shape_elements, a node without inputs that stores those expressions, whose
 * open dimensions are the kernel's scalars.
 */
#include "ir/simplify.h"
#include "op/express.h"
#include "op/infer.h"

static void set_elements(struct infer *infer, const struct expr *const *list,
                         size_t count) {
  struct arena *arena = infer->graph->arena;
  struct value *output = infer->node->outputs[0];
  const struct expr **copy =
      ARENA_ARRAY(arena, const struct expr *, count + 1);
  for (size_t i = 0; i < count; i++)
    copy[i] = simplify(infer->graph->pool, list[i]);
  output->elements = copy;
  output->element_count = count;
}

/* ---- shape and size ------------------------------------------------------ */

/* As Python's slices: negative ones count from the end, then clamped. */
static size_t clamp_position(int64_t position, size_t rank) {
  int64_t limit = (int64_t)rank;
  if (position < 0)
    position += limit;
  return (size_t)(position < 0 ? 0 : position > limit ? limit : position);
}

static enum adze_status shape_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  size_t begin = clamp_position(node_int(infer->node, "start"), x->rank);
  size_t end = node_has(infer->node, "end")
                   ? clamp_position(node_int(infer->node, "end"), x->rank)
                   : x->rank;
  size_t count = end > begin ? end - begin : 0;
  const struct expr *dim = expr_index(infer->graph->pool, (int64_t)count);
  infer_output(infer, 0, ADZE_I64, &dim, 1);
  set_elements(infer, x->dims + begin, count);
  return ADZE_OK;
}

static enum adze_status size_infer(struct infer *infer) {
  const struct value *x = infer_input(infer, 0);
  const struct expr *count = expr_index(infer->graph->pool, 1);
  for (size_t i = 0; i < x->rank; i++)
    count = expr_mul(infer->graph->pool, count, x->dims[i]);
  infer_output(infer, 0, ADZE_I64, NULL, 0);
  set_elements(infer, &count, 1);
  return ADZE_OK;
}

static const struct attribute_desc shape_attributes[] = {
    {"start", ATTRIBUTE_INT, false, 0, NULL, "the first dimension"},
    {"end", ATTRIBUTE_INT, false, 0, NULL, "behind the last; unset: all"},
    {0}};
static const struct import_name shape_imports[] = {{"onnx", "Shape", 1, 0},
                                                   {0}};
static const struct import_name size_imports[] = {{"onnx", "Size", 1, 0}, {0}};

const struct op_def op_shape = {
    .name = "shape",
    .summary = "The shape of x as a list of int64.",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_METADATA,
    .layout = LAYOUT_PLAIN,
    .attributes = shape_attributes,
    .imports = shape_imports,
    .infer = shape_infer,
};
const struct op_def op_size = {
    .name = "size",
    .summary = "The number of elements of x as an int64.",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_METADATA,
    .layout = LAYOUT_PLAIN,
    .imports = size_imports,
    .infer = size_infer,
};

/* ---- shape_elements ------------------------------------------------------ */

static enum adze_status shape_elements_infer(struct infer *infer) {
  const struct value *output = infer->node->outputs[0];
  size_t count;
  if (output->elements == NULL || output->dtype == ADZE_DTYPE_NONE ||
      !value_count(output, &count) || count != output->element_count)
    return infer_fail(infer, ADZE_INVALID_MODEL,
                      "the elements of its output are not given");
  return ADZE_OK;
}

static enum adze_status shape_elements_express(struct express *express) {
  struct expr_pool *pool = express->pool;
  const struct value *value = express->node->outputs[0];
  struct stage *stage = express_stage(express, express->outputs[0]);
  const struct expr *position = expr_index(pool, 0), *body = NULL;
  for (size_t i = 0; i < stage->axis_count; i++)
    position = expr_add(pool,
                        expr_mul(pool, position, stage->output->shape[i]),
                        express_axis(express, stage, i));
  position = simplify(pool, position);
  for (size_t i = value->element_count; i-- > 0;) {
    const struct expr *element =
        expr_cast(pool, stage->output->dtype, value->elements[i]);
    body = body == NULL
               ? element
               : expr_select(pool,
                             expr_equal(pool, position,
                                        expr_index(pool, (int64_t)i)),
                             element, body);
  }
  check(body != NULL);
  express_body(express, stage, body);
  return ADZE_OK;
}

const struct op_def op_shape_elements = {
    .name = "shape_elements",
    .summary = "Numbers computed from open dimensions.",
    .min_inputs = 0,
    .max_inputs = 0,
    .min_outputs = 1,
    .max_outputs = 1,
    .fusion = FUSION_INJECTIVE,
    .layout = LAYOUT_PLAIN,
    .infer = shape_elements_infer,
    .express = shape_elements_express,
};
