/* SPDX-License-Identifier: Apache-2.0 */
/* What every format provides, and what formats share. */
#ifndef IMPORT_IMPORT_FORMAT_H
#define IMPORT_IMPORT_FORMAT_H

#include "base/file.h"
#include "import/import.h"

/* One import. `report` is NULL unless the model is only looked at. */
struct import_source {
  struct arena *arena;
  const char *path;
  const uint8_t *data; /* mapped for as long as the arena lives */
  size_t size;
  const struct import_options *options;
  struct import_report *report;
};

#define IMPORTER(name, what)                                                   \
  bool import_##name##_probe(const uint8_t *data, size_t size);                \
  enum adze_status import_##name(const struct import_source *source,           \
                                 struct graph **out, struct adze_error *error) \
      ADZE_MUST_USE;
#include "import/importers.def"
#undef IMPORTER

/* ---- Shapes of inputs ---------------------------------------------------- */

/* A dimension as a model or the user gives it. */
struct import_dim {
  int64_t extent;   /* at least 1, or 0: open */
  const char *name; /* of an open one, or NULL */
};

struct import_shape {
  const char *name; /* of the input */
  struct import_dim dims[GRAPH_MAX_RANK];
  size_t rank;
  bool is_used;
};

struct import_shapes {
  VEC(struct import_shape) list;
};

/* Reads options->input_shapes; INVALID_ARGUMENT when it isn't of that form. */
enum adze_status import_parse_shapes(struct arena *arena, const char *text,
                                     struct import_shapes *out,
                                     struct adze_error *error) ADZE_MUST_USE;
/* Adds an input to the graph, with the user's dimensions where there are any;
 * open ones become symbols. */
enum adze_status import_add_input(struct graph *graph, const char *name,
                                  enum adze_dtype dtype,
                                  const struct import_dim *dims, size_t rank,
                                  struct import_shapes *shapes,
                                  struct value **out, struct adze_error *error)
    ADZE_MUST_USE;
/* All names of the user must have been inputs: INVALID_ARGUMENT that lists the
 * inputs there are. */
enum adze_status import_check_shapes(const struct graph *graph,
                                     const struct import_shapes *shapes,
                                     struct adze_error *error) ADZE_MUST_USE;

#endif
