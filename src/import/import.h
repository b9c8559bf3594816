/* SPDX-License-Identifier: Apache-2.0 */
/* Importers: from a model file to a graph. The format is told by content.
 *
 * What importers promise about the graph: nodes in topological order, every
 * value typed, no padding rule left to be worked out (pads are numbers), shapes
 * that the model computes are known as expressions. */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "ir/graph.h"

struct import_options {
  /* "image:[1,3,257,257], mask:[1,?]" or NULL. A number fixes a dimension; -1,
   * 0, ? or a word leaves it open (a word names it). */
  const char *input_shapes;
};

/* Reads `path`. Constants point into the mapped file, which is closed when
 * `arena` is destroyed or reset. */
enum adze_status import_model(struct arena *arena, const char *path,
                              const struct import_options *options,
                              struct graph **out, struct adze_error *error)
    ADZE_MUST_USE;

/* An operator as the format calls it, and how often the model has it. */
struct import_count {
  const char *name; /* "Conv"; "com.microsoft.FusedConv" outside of the default
                       domain */
  size_t count;
  bool is_supported; /* somewhere in the model at least */
};

struct import_report {
  const char *format; /* "onnx" */
  const char *version; /* "opset 17" */
  const char *producer; /* "" where not said */
  VEC(struct import_count) operators; /* by name */
  VEC(const char *) problems; /* sentences; empty: import_model succeeds */
  struct graph *graph; /* what could be imported; nodes behind an unsupported
                          one are left out, so outputs may be missing */
};

/* As import_model, but goes on where something is unsupported, and takes
 * weights that are absent as zeros. Fails only where the file can't be read as
 * a model at all. */
enum adze_status import_inspect(struct arena *arena, const char *path,
                                const struct import_options *options,
                                struct import_report *out,
                                struct adze_error *error) ADZE_MUST_USE;

#endif
