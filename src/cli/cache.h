/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled packages of model files, so that `adze run MODEL` compiles once. */
#ifndef CLI_CACHE_H
#define CLI_CACHE_H

#include "adze/adze.h"
#include "base/arena.h"

/* Whether the file is a package (by its first bytes) rather than a model. */
bool file_is_package(const char *path);

struct cache_options {
  bool fresh;        /* compile always, into a folder that the arena removes */
  bool copy_weights; /* as in struct adze_load_options */
};

/* Loads a package, or a model through the cache: a package that was compiled
 * before from the same bytes, with the same options, by this build, for this
 * machine; one that turns out damaged is compiled anew. The arena unloads the
 * model. Only target, input_shapes, threads and progress of `compile` may be
 * set. *package is the file that was loaded. */
enum adze_status cache_load(struct arena *arena, const char *path,
                            const struct adze_compile_options *compile,
                            const struct cache_options *options,
                            adze_model **out, const char **package,
                            struct adze_error *error) ADZE_MUST_USE;

#endif
