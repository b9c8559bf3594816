/* SPDX-License-Identifier: Apache-2.0 */
/* A model ready to run, with memory for its inputs and outputs: what `run`,
 * `bench` and `verify` have in common.
 *
 *   session_load(arena, &options, &session, error)   compiles or loads
 *   session_prepare(session, known, error)           fixes shapes, binds memory
 *   … fill session->inputs[i].data …
 *   adze_instance_run(session->instance, error)
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "adze/adze.h"
#include "cli/array.h"
#include "cli/cache.h"

struct session_options {
  const char *path;         /* model or package */
  const char *input_shapes; /* as typed, or NULL */
  int threads;              /* 0: the default */
  bool verbose;             /* stages of compiling on stderr */
  struct cache_options load; /* as what, and how */
  bool no_winograd;         /* as --no-winograd */
  bool flush_denormals;     /* as --flush-denormals */
  int copies;               /* how many there will be, for the limit of
                               memory; 0: this one */
};

struct session {
  struct arena *arena;
  const char *path;    /* as typed */
  const char *package; /* it, or what it was compiled to */
  const char *input_shapes;
  int threads; /* of the instance, after session_prepare */
  int copies;
  bool flush_denormals;
  adze_model *model;
  adze_instance *instance;
  struct array *inputs, *outputs;
  size_t input_count, output_count;
};

/* The arena releases model and instance. */
enum adze_status session_load(struct arena *arena,
                              const struct session_options *options,
                              struct session **out,
                              struct adze_error *error) ADZE_MUST_USE;
/* Another session on the same loaded model, to be prepared; the arena releases
 * it before the model. */
struct session *session_copy(const struct session *session);
/* Creates the instance, in place of one that was there before, and binds zeroed
 * memory to every input and output. Open dimensions come from known[i] (an
 * array meant for input i; `known` and its entries may be NULL), else from the
 * input shapes; an open first dimension is 1 otherwise. */
enum adze_status session_prepare(struct session *session,
                                 const struct array *const *known,
                                 struct adze_error *error) ADZE_MUST_USE;
/* Compares type and shape of an array with what input `index` wants; `where`
 * names its file. */
enum adze_status session_check_input(const struct session *session,
                                     size_t index, const struct array *array,
                                     const char *where,
                                     struct adze_error *error) ADZE_MUST_USE;
/* A list of the names of inputs (or outputs), for messages; in the arena. */
const char *session_names(const struct session *session, bool outputs);

#endif
