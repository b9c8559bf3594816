/* SPDX-License-Identifier: Apache-2.0 */
/* The user's shapes for inputs, "image:[1,3,257,257],mask:[1,?]", and how they
 * meet the model's. Names may hold colons, so a name ends at the ":[" before
 * its list. Lists may be separated by commas, blanks or both. */
#include "import/import_format.h"

#include <ctype.h>
#include <string.h>

static const int64_t EXTENT_LIMIT = INT64_C(1) << 40;

/* ---- Reading ------------------------------------------------------------- */

static enum adze_status bad_shapes(struct adze_error *error, const char *text) {
  return fail(error, ADZE_INVALID_ARGUMENT,
              "input shapes '%s' are not of the form NAME:[1,3,224,224]", text);
}

static enum adze_status parse_dim(struct arena *arena, const char *word,
                                  size_t size, struct import_dim *out,
                                  struct adze_error *error) {
  while (size > 0 && isspace((unsigned char)*word))
    word++, size--;
  while (size > 0 && isspace((unsigned char)word[size - 1]))
    size--;
  const char *text = arena_strndup(arena, word, size);
  int64_t extent;
  *out = (struct import_dim){0};
  if (string_to_int64(text, &extent)) {
    if (extent < -1 || extent > EXTENT_LIMIT)
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "input shapes: a dimension can't be %s", text);
    out->extent = extent > 0 ? extent : 0;
    return ADZE_OK;
  }
  if (size == 0)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "input shapes: a dimension is empty");
  if (strcmp(text, "?") == 0)
    return ADZE_OK;
  for (size_t i = 0; i < size; i++)
    if (!isalnum((unsigned char)text[i]) && text[i] != '_')
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "input shapes: '%s' is neither a number nor a name", text);
  out->name = text;
  return ADZE_OK;
}

/* From behind the "[" to behind the "]". */
static enum adze_status parse_dims(struct arena *arena, const char **at,
                                   const char *text,
                                   struct import_shape *shape,
                                   struct adze_error *error) {
  const char *begin = *at, *end = strchr(begin, ']');
  if (end == NULL)
    return bad_shapes(error, text);
  bool is_scalar = strspn(begin, " \t") == (size_t)(end - begin);
  while (!is_scalar && begin <= end) {
    const char *stop = memchr(begin, ',', (size_t)(end - begin));
    if (stop == NULL)
      stop = end;
    if (shape->rank == GRAPH_MAX_RANK)
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "input shapes: '%s' has more than %d dimensions",
                  shape->name, GRAPH_MAX_RANK);
    TRY(parse_dim(arena, begin, (size_t)(stop - begin),
                  &shape->dims[shape->rank++], error));
    begin = stop + 1;
  }
  *at = end + 1;
  return ADZE_OK;
}

enum adze_status import_parse_shapes(struct arena *arena, const char *text,
                                     struct import_shapes *out,
                                     struct adze_error *error) {
  *out = (struct import_shapes){0};
  const char *at = text != NULL ? text : "";
  for (;;) {
    at += strspn(at, " \t\n,;");
    if (*at == '\0')
      return ADZE_OK;
    const char *colon = strstr(at, ":[");
    if (colon == NULL || colon == at)
      return bad_shapes(error, text);
    struct import_shape shape = {
        .name = arena_strndup(arena, at, (size_t)(colon - at))};
    for (size_t i = 0; i < out->list.count; i++)
      if (string_equal(out->list.data[i].name, shape.name))
        return fail(error, ADZE_INVALID_ARGUMENT,
                    "input shapes: '%s' is named twice", shape.name);
    at = colon + 2;
    TRY(parse_dims(arena, &at, text, &shape, error));
    vec_push(arena, &out->list, shape);
  }
}

/* ---- Applying ------------------------------------------------------------ */

static const char *shape_text(struct arena *arena,
                              const struct import_dim *dims, size_t rank) {
  struct text text = {.arena = arena};
  text_add(&text, "[");
  for (size_t i = 0; i < rank; i++) {
    text_add(&text, i > 0 ? "," : "");
    if (dims[i].extent > 0)
      text_format(&text, "%lld", (long long)dims[i].extent);
    else
      text_add(&text, dims[i].name != NULL ? dims[i].name : "?");
  }
  text_add(&text, "]");
  return text_string(&text);
}

static enum adze_status merge(struct arena *arena, const char *name,
                              const struct import_dim *model, size_t rank,
                              const struct import_shape *user,
                              struct import_dim *out,
                              struct adze_error *error) {
  if (user->rank != rank)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "input shapes: '%s' has %zu dimensions in the model, %s, where "
                "%zu are given",
                name, rank, shape_text(arena, model, rank), user->rank);
  for (size_t i = 0; i < rank; i++) {
    out[i] = user->dims[i];
    if (out[i].extent == 0 && out[i].name == NULL && model[i].extent == 0)
      out[i].name = model[i].name;
  }
  return ADZE_OK;
}

enum adze_status import_add_input(struct graph *graph, const char *name,
                                  enum adze_dtype dtype,
                                  const struct import_dim *dims, size_t rank,
                                  struct import_shapes *shapes,
                                  struct value **out,
                                  struct adze_error *error) {
  struct import_dim merged[GRAPH_MAX_RANK] = {{0}};
  const struct expr *exprs[GRAPH_MAX_RANK];
  int64_t count = 1;
  for (size_t i = 0; i < rank; i++)
    merged[i] = dims[i];
  for (size_t i = 0; i < shapes->list.count; i++) {
    struct import_shape *user = &shapes->list.data[i];
    if (!string_equal(user->name, name))
      continue;
    TRY(merge(graph->arena, name, dims, rank, user, merged, error));
    user->is_used = true;
  }
  for (size_t i = 0; i < rank; i++) {
    if (merged[i].extent > 0) {
      exprs[i] = expr_index(graph->pool, merged[i].extent);
      if (merged[i].extent > EXTENT_LIMIT ||
          !int64_mul(count, merged[i].extent, &count) || count > EXTENT_LIMIT)
        return fail(error, ADZE_LIMIT, "input '%s' of shape %s is too large",
                    name, shape_text(graph->arena, merged, rank));
      continue;
    }
    const char *symbol = merged[i].name != NULL
                             ? merged[i].name
                             : arena_printf(graph->arena, "%s_%zu", name, i);
    exprs[i] = expr_variable(graph->pool, graph_symbol(graph, symbol));
  }
  *out = graph_add_input(graph, name, dtype, exprs, rank);
  return ADZE_OK;
}

enum adze_status import_check_shapes(const struct graph *graph,
                                     const struct import_shapes *shapes,
                                     struct adze_error *error) {
  for (size_t i = 0; i < shapes->list.count; i++) {
    if (shapes->list.data[i].is_used)
      continue;
    struct text names = {.arena = graph->arena};
    for (size_t k = 0; k < graph->inputs.count; k++)
      text_format(&names, "%s'%s'", k > 0 ? ", " : "",
                  graph->inputs.data[k]->name);
    return fail(error, ADZE_INVALID_ARGUMENT,
                "input shapes: the model has no input '%s'; its inputs are %s",
                shapes->list.data[i].name, text_string(&names));
  }
  return ADZE_OK;
}
