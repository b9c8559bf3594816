/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/regroup.h"

#include "ir/simplify.h"

enum { Y = 2, X = 3 };

struct survey {
  struct builder *builder;
  struct variable *y, *x; /* a stage's place; NULL: it has none */
  int64_t height, width;
  bool fits;
  VEC(struct buffer *) maps;            /* of all stages; each once */
  VEC(struct variable *) rows, columns; /* all their places */
};

static bool has_extent(const struct expr *e, int64_t wanted) {
  int64_t extent;
  return expr_get_integer(e, &extent) && extent == wanted;
}

/* Whether it lies as height x width places without gaps between rows. */
static bool is_map(const struct survey *survey, const struct buffer *buffer) {
  int64_t row, column;
  if (buffer->rank <= X || buffer->is_constant ||
      !has_extent(buffer->shape[Y], survey->height) ||
      !has_extent(buffer->shape[X], survey->width) ||
      !expr_get_integer(buffer->strides[Y], &row) ||
      !expr_get_integer(buffer->strides[X], &column))
    return false;
  for (size_t d = Y; d <= X; d++)
    if (buffer->halo_before[d] || buffer->halo_after[d])
      return false;
  return row == survey->width * column;
}

static void add_map(struct survey *survey, struct buffer *buffer) {
  for (size_t i = 0; i < survey->maps.count; i++)
    if (survey->maps.data[i] == buffer)
      return;
  vec_push(survey->builder->arena, &survey->maps, buffer);
}

static bool is_variable(const struct expr *e, const struct variable *wanted) {
  return e->kind == EXPR_VARIABLE && e->variable == wanted;
}

static bool uses_place(const struct survey *survey, const struct expr *e) {
  struct expr_pool *pool = survey->builder->pool;
  return survey->y && (expr_uses_variable(pool, e, survey->y) ||
                       expr_uses_variable(pool, e, survey->x));
}

/* Loads become a number, so that what is left of the place is misuse. */
static const struct expr *survey_load(void *context, const struct expr *node) {
  struct survey *survey = context;
  if (node->kind != EXPR_LOAD)
    return node;
  bool of_map = is_map(survey, node->buffer) &&
                is_variable(node->args[Y], survey->y) &&
                is_variable(node->args[X], survey->x);
  for (size_t i = 0; i < node->arg_count; i++)
    if (!(of_map && (i == Y || i == X)) && uses_place(survey, node->args[i]))
      survey->fits = false;
  if (of_map)
    add_map(survey, node->buffer);
  else if (is_map(survey, node->buffer))
    survey->fits = false; /* another place of a map */
  return expr_constant(survey->builder->pool, node->dtype, 0);
}

/* A stage makes a map, or reduces all places of one, or knows no places. */
static void find_place(struct survey *survey, const struct stage *stage) {
  survey->y = survey->x = NULL;
  if (is_map(survey, stage->output)) {
    survey->y = stage->axes[Y];
    survey->x = stage->axes[X];
    add_map(survey, stage->output);
  } else if (stage->reduction_count == 2 &&
             has_extent(stage->reductions[0]->extent, survey->height) &&
             has_extent(stage->reductions[1]->extent, survey->width)) {
    survey->y = stage->reductions[0];
    survey->x = stage->reductions[1];
  } else {
    return;
  }
  vec_push(survey->builder->arena, &survey->rows, survey->y);
  vec_push(survey->builder->arena, &survey->columns, survey->x);
}

static bool stage_fits(struct survey *survey, const struct stage *stage) {
  struct expr_pool *pool = survey->builder->pool;
  find_place(survey, stage);
  const struct expr *bodies[2] = {stage->body, stage->initial};
  for (size_t i = 0; i < 2; i++)
    if (bodies[i] &&
        uses_place(survey, expr_map(pool, bodies[i], survey_load, survey)))
      return false;
  return survey->fits;
}

static int64_t extent_of(const struct builder *builder, size_t axis) {
  const struct stage *first = builder->stages.data[0];
  int64_t extent = -1;
  if (axis >= first->axis_count ||
      !expr_get_integer(first->axes[axis]->extent, &extent))
    return -1;
  return extent;
}

int64_t regroup_height(const struct builder *builder) {
  return extent_of(builder, Y);
}

int64_t regroup_width(const struct builder *builder) {
  return extent_of(builder, X);
}

static void set_width(struct builder *builder, struct buffer *buffer,
                      int64_t height, int64_t width) {
  struct expr_pool *pool = builder->pool;
  int64_t column;
  check(expr_get_integer(buffer->strides[X], &column));
  buffer->shape[Y] = expr_index(pool, height);
  buffer->shape[X] = expr_index(pool, width);
  buffer->strides[Y] = expr_index(pool, width * column);
}

static void set_extent(struct builder *builder, struct variable *axis,
                       int64_t extent) {
  axis->extent = expr_index(builder->pool, extent);
  axis->maximum = extent - 1;
}

void regroup_rows(struct builder *builder, int64_t width) {
  struct survey survey = {.builder = builder,
                          .height = regroup_height(builder),
                          .width = regroup_width(builder),
                          .fits = true};
  if (survey.height < 1 || survey.width < 1 || width == survey.width)
    return;
  for (size_t i = 0; i < builder->stages.count; i++)
    if (!stage_fits(&survey, builder->stages.data[i]))
      return;
  int64_t places = survey.height * survey.width;
  check(places % width == 0);
  for (size_t i = 0; i < survey.maps.count; i++)
    set_width(builder, survey.maps.data[i], places / width, width);
  for (size_t i = 0; i < survey.rows.count; i++) {
    set_extent(builder, survey.rows.data[i], places / width);
    set_extent(builder, survey.columns.data[i], width);
  }
}
