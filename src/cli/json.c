/* SPDX-License-Identifier: Apache-2.0 */
/* JSON through Jansson, which escapes and prints numbers as JSON wants them.
 *
 * A value is kept by the arena as soon as it exists, and references that an
 * array or object takes are counted, so nothing leaks when memory runs out.
 */
#include "cli/json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/bench.h"
#include "cli/info.h"

static void release_json(void *value) { json_decref(value); }

/* Gives a new value to the arena; NULL means that memory ran out. */
static json_t *keep(struct arena *arena, json_t *value) {
  if (!value)
    guard_out_of_memory();
  arena_defer(arena, release_json, value);
  return value;
}

/* Text that need not be UTF-8 (a file's name): other bytes become '?'. */
static json_t *text_value(struct arena *arena, const char *text) {
  json_t *value = text ? json_string(text) : json_null();
  if (value)
    return keep(arena, value);
  char *plain = arena_strdup(arena, text);
  for (char *at = plain; *at; at++)
    if ((unsigned char)*at >= 0x80)
      *at = '?';
  return keep(arena, json_string(plain));
}

static json_t *count_value(struct arena *arena, uint64_t count) {
  return keep(arena,
              json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count));
}

static json_t *new_object(struct arena *arena) {
  return keep(arena, json_object());
}

static json_t *new_array(struct arena *arena) {
  return keep(arena, json_array());
}

static void set(json_t *object, const char *name, json_t *value) {
  if (json_object_set(object, name, value))
    guard_out_of_memory();
}

static void append(json_t *array, json_t *value) {
  if (json_array_append(array, value))
    guard_out_of_memory();
}

static enum adze_status print_json(const json_t *value,
                                   struct adze_error *error) {
  size_t flags = JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9);
  if (json_dumpf(value, stdout, flags) || putchar('\n') == EOF)
    return fail(error, ADZE_IO, "writing JSON to the standard output failed");
  return ADZE_OK;
}

/* "name: value" lines as an object. */
static json_t *lines_value(struct arena *arena, const char *lines) {
  json_t *object = new_object(arena);
  while (*lines) {
    size_t length = strcspn(lines, "\n"), name = strcspn(lines, ":\n");
    if (lines[name] == ':') {
      size_t skip = name + 1;
      skip += strspn(lines + skip, " ");
      set(object, arena_strndup(arena, lines, name),
          text_value(arena, arena_strndup(arena, lines + skip,
                                          length > skip ? length - skip : 0)));
    }
    lines += length + (lines[length] == '\n');
  }
  return object;
}

enum adze_status json_env(struct arena *arena, const char *machine,
                          struct adze_error *error) {
  json_t *root = new_object(arena), *libraries = new_array(arena);
  json_t *variables = new_array(arena);
  for (size_t i = 0; i < adze_library_count(); i++) {
    struct adze_library_info info;
    json_t *row = new_object(arena);
    adze_library(i, &info);
    set(row, "name", text_value(arena, info.name));
    set(row, "version", text_value(arena, info.found ? info.version : NULL));
    set(row, "use", text_value(arena, info.use));
    append(libraries, row);
  }
  for (size_t i = 0; i < adze_environment_count(); i++) {
    const char *name, *syntax, *meaning, *value;
    json_t *row = new_object(arena);
    adze_environment(i, &name, &syntax, &meaning, &value);
    set(row, "name", text_value(arena, name));
    set(row, "syntax", text_value(arena, syntax));
    set(row, "meaning", text_value(arena, meaning));
    set(row, "value", text_value(arena, value));
    append(variables, row);
  }
  set(root, "version", text_value(arena, adze_version()));
  set(root, "libraries", libraries);
  set(root, "machine", lines_value(arena, machine));
  set(root, "environment", variables);
  return print_json(root, error);
}

static json_t *layers_value(struct arena *arena, const struct layers *layers) {
  json_t *array = new_array(arena);
  for (size_t i = 0; i < layers->count; i++) {
    const struct layer *layer = &layers->items[i];
    json_t *object = new_object(arena);
    set(object, "kernel", text_value(arena, layer->name));
    set(object, "template", text_value(arena, layer->template_name));
#define X(name, value) set(object, #name, keep(arena, json_real(value)));
    BENCH_JSON_LAYER_NUMBERS(X)
#undef X
    append(array, object);
  }
  return array;
}

enum adze_status json_bench(struct arena *arena, const struct bench_row *rows,
                            size_t count, struct adze_error *error) {
  json_t *root = new_array(arena);
  for (size_t i = 0; i < count; i++) {
    const struct bench_row *row = &rows[i];
    json_t *object = new_object(arena);
    set(object, "model", text_value(arena, row->model));
    set(object, "threads", count_value(arena, (uint64_t)row->threads));
    set(object, "instances", count_value(arena, (uint64_t)row->instances));
#define X(name, value) set(object, #name, keep(arena, json_real(value)));
    BENCH_JSON_NUMBERS(X)
#undef X
    if (row->layers.count)
      set(object, "layers", layers_value(arena, &row->layers));
    append(root, object);
  }
  return print_json(root, error);
}

static json_t *tensors_value(struct arena *arena,
                             const struct adze_tensor_info *tensors,
                             size_t count) {
  json_t *array = new_array(arena);
  for (size_t i = 0; i < count; i++) {
    json_t *object = new_object(arena), *shape = new_array(arena);
    for (int d = 0; d < tensors[i].rank; d++)
      append(shape, tensors[i].dims[d] >= 0
                        ? count_value(arena, (uint64_t)tensors[i].dims[d])
                        : text_value(arena, tensors[i].dim_names[d]));
    set(object, "name", text_value(arena, tensors[i].name));
    set(object, "dtype", text_value(arena, adze_dtype_name(tensors[i].dtype)));
    set(object, "shape", shape);
    append(array, object);
  }
  return array;
}

enum adze_status json_info(struct arena *arena,
                           const struct info_report *report,
                           struct adze_error *error) {
  json_t *root = new_object(arena), *operators = new_object(arena);
  json_t *problems = new_array(arena);
  for (size_t i = 0; i < report->operator_count; i++)
    set(operators, report->operators[i].name,
        count_value(arena, report->operators[i].count));
  for (size_t i = 0; i < report->problem_count; i++)
    append(problems, text_value(arena, report->problems[i]));
  set(root, "file", text_value(arena, report->path));
  set(root, "format", text_value(arena, report->format));
  set(root, "name", text_value(arena, report->name));
  set(root, "target", text_value(arena, report->target));
  set(root, "version", text_value(arena, report->version));
  set(root, "inputs",
      tensors_value(arena, report->inputs, report->input_count));
  set(root, "outputs",
      tensors_value(arena, report->outputs, report->output_count));
  set(root, report->target ? "kernels" : "operators", operators);
  set(root, "parameters", count_value(arena, report->parameters));
  set(root, "parameter_bytes", count_value(arena, report->parameter_bytes));
  set(root, "macs", count_value(arena, report->macs));
  set(root, "workspace_bytes", count_value(arena, report->workspace_bytes));
  set(root, "problems", problems);
  return print_json(root, error);
}
