/* SPDX-License-Identifier: Apache-2.0 */
/* Resize and its predecessor Upsample from ONNX: scales or sizes as inputs, and
 * conventions that changed between opsets. */
#include "import/onnx/build.h"

#include <string.h>

static enum adze_status known_reals(struct onnx_import *import,
                                    const struct onnx_node *node,
                                    const struct value *value,
                                    const double **list, size_t *count) {
  *list = NULL;
  *count = 0;
  if (value == NULL || value->element_count == 0)
    return value == NULL || value->elements != NULL
               ? ADZE_OK
               : onnx_fail(import, node, ADZE_UNSUPPORTED,
                           "input '%s' is computed from data", value->name);
  double *reals = ARENA_ARRAY(import->arena, double, value->element_count);
  for (size_t i = 0; i < value->element_count; i++) {
    const struct expr *element = value->elements[i];
    if (element->kind != EXPR_REAL)
      return onnx_fail(import, node, ADZE_UNSUPPORTED,
                       "input '%s' depends on an open dimension; fix it with "
                       "--input-shapes",
                       value->name);
    reals[i] = element->real;
  }
  *list = reals;
  *count = value->element_count;
  return ADZE_OK;
}

/* The scales of `axes` in their places among those of all axes. */
static enum adze_status spread(struct onnx_import *import,
                               const struct onnx_node *node, size_t rank,
                               const double **list, size_t *count) {
  size_t axis_count;
  const int64_t *axes = onnx_ints(node, "axes", &axis_count);
  if (axis_count == 0 || *count == 0)
    return ADZE_OK;
  double *all = ARENA_ARRAY(import->arena, double, rank);
  for (size_t i = 0; i < rank; i++)
    all[i] = 1;
  for (size_t i = 0; i < axis_count; i++) {
    int64_t axis = axes[i] < 0 ? axes[i] + (int64_t)rank : axes[i];
    if (axis < 0 || axis >= (int64_t)rank || axis_count != *count)
      return onnx_fail(import, node, ADZE_INVALID_MODEL,
                       "attribute 'axes' does not fit");
    all[axis] = (*list)[i];
  }
  *list = all;
  *count = rank;
  return ADZE_OK;
}

static enum adze_status check_word(struct onnx_import *import,
                                   const struct onnx_node *node,
                                   const char *name, const char *word,
                                   const char *const *words) {
  for (size_t i = 0; words[i] != NULL; i++)
    if (strcmp(words[i], word) == 0)
      return ADZE_OK;
  return onnx_fail(import, node, ADZE_UNSUPPORTED, "%s '%s' is not supported",
                   name, word);
}

static enum adze_status set_modes(struct onnx_import *import,
                                  const struct onnx_node *node,
                                  struct node *added, const char *transform) {
  static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
  static const char *const transforms[] = {
      "half_pixel",    "half_pixel_symmetric", "pytorch_half_pixel",
      "align_corners", "asymmetric",           "tf_half_pixel_for_nn",
      "tf_crop_and_resize", NULL};
  static const char *const nearests[] = {"round_prefer_floor",
                                         "round_prefer_ceil", "floor", "ceil",
                                         NULL};
  const char *mode = onnx_string(node, "mode", "nearest");
  if (strcmp(mode, "bilinear") == 0)
    mode = "linear";
  const char *nearest =
      import->opset < 11 ? "floor"
                         : onnx_string(node, "nearest_mode",
                                       "round_prefer_floor");
  TRY(check_word(import, node, "mode", mode, modes));
  TRY(check_word(import, node, "coordinate_transformation_mode", transform,
                 transforms));
  TRY(check_word(import, node, "nearest_mode", nearest, nearests));
  node_set_string(import->graph, added, "mode", mode);
  node_set_string(import->graph, added, "coordinate_transformation_mode",
                  transform);
  node_set_string(import->graph, added, "nearest_mode", nearest);
  return ADZE_OK;
}

static enum adze_status finish_scaled(struct onnx_import *import,
                                      const struct onnx_node *node,
                                      const double *scales, size_t count,
                                      const char *transform) {
  struct value *x = onnx_input(import, node, 0);
  struct node *added = onnx_add(import, node, &op_resize, "", &x, 1, 1);
  TRY(set_modes(import, node, added, transform));
  node_set_floats(import->graph, added, "scales", scales, count);
  return onnx_finish(import, node, added);
}

/* Sizes of `axes` among the input's dimensions. */
static enum adze_status all_sizes(struct onnx_import *import,
                                  const struct onnx_node *node,
                                  const struct value *x, struct value **sizes) {
  size_t axis_count;
  const int64_t *axes = onnx_ints(node, "axes", &axis_count);
  const char *policy =
      onnx_string(node, "keep_aspect_ratio_policy", "stretch");
  if (strcmp(policy, "stretch") != 0)
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "keep_aspect_ratio_policy '%s' is not supported", policy);
  if ((*sizes)->elements == NULL)
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "the sizes ('%s') are computed from data",
                     (*sizes)->name);
  if (axis_count == 0)
    return ADZE_OK;
  const struct expr *list[GRAPH_MAX_RANK], *dim;
  for (size_t i = 0; i < x->rank; i++)
    list[i] = x->dims[i];
  for (size_t i = 0; i < axis_count; i++) {
    int64_t axis = axes[i] < 0 ? axes[i] + (int64_t)x->rank : axes[i];
    if (axis < 0 || axis >= (int64_t)x->rank ||
        axis_count != (*sizes)->element_count)
      return onnx_fail(import, node, ADZE_INVALID_MODEL,
                       "attribute 'axes' does not fit");
    list[axis] = (*sizes)->elements[i];
  }
  dim = expr_index(import->graph->pool, (int64_t)x->rank);
  *sizes = graph_add_elements(import->graph, node->name, ADZE_I64, &dim, 1,
                              list, x->rank);
  return ADZE_OK;
}

enum adze_status import_resize(struct onnx_import *import,
                               const struct onnx_node *node) {
  static const char *const known[] = {
      "antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a",
      "exclude_outside", "extrapolation_value", "keep_aspect_ratio_policy",
      "mode", "nearest_mode", NULL};
  const double *scales, *roi;
  size_t scale_count, roi_count;
  TRY(onnx_only(import, node, known));
  TRY(onnx_arity(import, node, 1, 4));
  if (onnx_int(node, "antialias", 0) != 0)
    return onnx_fail(import, node, ADZE_UNSUPPORTED,
                     "antialias is not supported");
  size_t at = import->opset < 11 ? 1 : 2;
  struct value *x = onnx_input(import, node, 0);
  struct value *sizes = onnx_input(import, node, 3);
  TRY(known_reals(import, node, onnx_input(import, node, at), &scales,
                  &scale_count));
  if (import->opset < 11)
    return finish_scaled(import, node, scales, scale_count, "asymmetric");
  TRY(spread(import, node, x->rank, &scales, &scale_count));
  struct value *inputs[2] = {x, NULL};
  if (sizes != NULL && scale_count == 0) {
    TRY(all_sizes(import, node, x, &sizes));
    inputs[1] = sizes;
  }
  struct node *added = onnx_add(import, node, &op_resize, "", inputs,
                                inputs[1] != NULL ? 2 : 1, 1);
  TRY(set_modes(import, node, added,
                onnx_string(node, "coordinate_transformation_mode",
                            "half_pixel")));
  if (inputs[1] == NULL)
    node_set_floats(import->graph, added, "scales", scales, scale_count);
  TRY(known_reals(import, node, onnx_input(import, node, 1), &roi,
                  &roi_count));
  node_set_floats(import->graph, added, "roi", roi, roi_count);
  node_set_float(added, "cubic_coeff_a",
                 onnx_float(node, "cubic_coeff_a", -0.75));
  node_set_int(added, "exclude_outside",
               onnx_int(node, "exclude_outside", 0));
  node_set_float(added, "extrapolation_value",
                 onnx_float(node, "extrapolation_value", 0));
  return onnx_finish(import, node, added);
}

enum adze_status import_upsample(struct onnx_import *import,
                                 const struct onnx_node *node) {
  const struct onnx_attribute *given =
      onnx_find(node, "scales", ONNX_ATTRIBUTE_FLOATS);
  const double *scales;
  size_t count;
  TRY(onnx_arity(import, node, 1, 2));
  if (given != NULL)
    return finish_scaled(import, node, given->reals.data, given->reals.count,
                         "asymmetric");
  TRY(known_reals(import, node, onnx_input(import, node, 1), &scales, &count));
  return finish_scaled(import, node, scales, count, "asymmetric");
}
