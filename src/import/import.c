/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a model: maps the file, asks each format whether it is one of its
 * own, and lets that one read it. The mapping belongs to the arena, since
 * constants point into it. */
#include "import/import_format.h"

struct format {
  const char *name;
  bool (*probe)(const uint8_t *data, size_t size);
  enum adze_status (*import)(const struct import_source *source,
                             struct graph **out, struct adze_error *error);
};

static const struct format formats[] = {
#define IMPORTER(name, what) {#name, import_##name##_probe, import_##name},
#include "import/importers.def"
#undef IMPORTER
};

static void close_mapping(void *resource) {
  file_map_close(resource);
}

static enum adze_status import_any(struct arena *arena, const char *path,
                                   const struct import_options *options,
                                   struct import_report *report,
                                   struct graph **out,
                                   struct adze_error *error) {
  struct file_map *map = ARENA_NEW(arena, struct file_map);
  arena_defer(arena, close_mapping, map);
  TRY(file_map_open(path, map, error));
  struct import_source source = {
      .arena = arena,
      .path = path,
      .data = map->data,
      .size = map->size,
      .options = options,
      .report = report,
  };
  for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
    if (!formats[i].probe(map->data, map->size))
      continue;
    if (report != NULL)
      report->format = formats[i].name;
    return formats[i].import(&source, out, error);
  }
  if (map->size == 0)
    return fail(error, ADZE_INVALID_MODEL, "%s: the file is empty", path);
  return fail(error, ADZE_INVALID_MODEL,
              "%s: is not a model that adze knows; ONNX is expected",
              path);
}

enum adze_status import_model(struct arena *arena, const char *path,
                              const struct import_options *options,
                              struct graph **out, struct adze_error *error) {
  return import_any(arena, path, options, NULL, out, error);
}

enum adze_status import_inspect(struct arena *arena, const char *path,
                                const struct import_options *options,
                                struct import_report *out,
                                struct adze_error *error) {
  *out = (struct import_report){.version = "", .producer = ""};
  return import_any(arena, path, options, out, &out->graph, error);
}
