/* SPDX-License-Identifier: Apache-2.0 */
/* The fixture of import_test.h. */
#include "import/test/import_test.h"

#include "op/infer.h"
#include "op/op.h"

int fixture_set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  f->arena = arena_create("import_test");
  assert_ok(folder_make_temporary(f->folder, &f->error), f->error);
  snprintf(f->path, sizeof f->path, "%s/model.onnx", f->folder);
  *state = f;
  return 0;
}

int fixture_tear_down(void **state) {
  struct fixture *f = *state;
  arena_destroy(f->arena);
  folder_remove(f->folder);
  free(f);
  return 0;
}

struct importing {
  struct fixture *fixture;
  const char *path, *shapes;
  struct graph **out;
  struct import_report *report;
};

static enum adze_status import_guarded(void *argument) {
  struct importing *importing = argument;
  struct fixture *f = importing->fixture;
  struct import_options options = {importing->shapes};
  if (importing->report != NULL)
    return import_inspect(f->arena, importing->path, &options,
                          importing->report, &f->error);
  TRY(import_model(f->arena, importing->path, &options, importing->out,
                   &f->error));
  return graph_verify(*importing->out, &f->error);
}

enum adze_status fixture_import_path(struct fixture *f, const char *path,
                                     const char *shapes, struct graph **out) {
  struct importing importing = {f, path, shapes, out, NULL};
  arena_reset(f->arena);
  return guard_run(import_guarded, &importing, &f->error);
}

enum adze_status fixture_inspect(struct fixture *f, const char *path,
                                 const char *shapes,
                                 struct import_report *out) {
  struct importing importing = {f, path, shapes, NULL, out};
  arena_reset(f->arena);
  return guard_run(import_guarded, &importing, &f->error);
}

enum adze_status fixture_import(struct fixture *f, const struct text *bytes,
                                const char *shapes, struct graph **out) {
  FILE *file = fopen(f->path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text_string(bytes), 1, bytes->size, file),
                   bytes->size);
  fclose(file);
  return fixture_import_path(f, f->path, shapes, out);
}

const char *fixture_shapes(struct fixture *f, struct value *const *list,
                           size_t count) {
  struct text text = {.arena = f->arena};
  for (size_t i = 0; i < count; i++)
    text_format(&text, "%s%s%s", i > 0 ? " " : "", list[i]->name,
                value_dims_text(f->arena, list[i]));
  return text_string(&text);
}
