/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to bound memory.
 *
 * Shapes typed for a model file are compiled in, so that the schedules are made
 * for them; those that it leaves open, and those of a package, are bound here.
 * An open first dimension is taken as a batch of one, which is what somebody
 * who says nothing means; any other must be said.
 */
#include "cli/session.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/text.h"
#include "cli/cache.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/shapes.h"

static void drop_instance(void *context) {
  struct session *session = context;
  adze_instance_destroy(session->instance);
  session->instance = NULL;
}

/* A model file is compiled for as many cores as will run it. */
static const char *target_of(struct arena *arena, int threads) {
  enum { MOST_CORES = 1024 };
  return arena_printf(arena, "llvm -num-cores=%d",
                      threads < MOST_CORES ? threads : MOST_CORES);
}

enum adze_status session_load(struct arena *arena,
                              const struct session_options *options,
                              struct session **out, struct adze_error *error) {
  struct session *session = ARENA_NEW(arena, struct session);
  struct adze_compile_options compile;
  struct progress progress;
  const char *slash = strrchr(options->path, '/');
  session->arena = arena;
  session->path = options->path;
  session->input_shapes = options->input_shapes;
  session->copies = options->copies > 1 ? options->copies : 1;
  session->flush_denormals = options->flush_denormals;
  session->threads =
      options->threads ? options->threads : environment_threads();
  adze_compile_options_init(&compile);
  compile.target = target_of(arena, session->threads);
  compile.input_shapes = options->input_shapes;
  compile.no_winograd = options->no_winograd;
  compile.progress = progress_show;
  compile.progress_context = &progress;
  progress_begin(&progress, slash ? slash + 1 : options->path,
                 options->verbose);
  enum adze_status status =
      cache_load(arena, options->path, &compile, &options->load,
                 &session->model, &session->package, error);
  progress_end(&progress);
  TRY(status);
  arena_defer(arena, drop_instance, session);
  session->input_count = adze_model_input_count(session->model);
  session->output_count = adze_model_output_count(session->model);
  *out = session;
  return ADZE_OK;
}

struct session *session_copy(const struct session *session) {
  struct session *copy = ARENA_NEW(session->arena, struct session);
  *copy = *session;
  copy->instance = NULL;
  copy->inputs = copy->outputs = NULL;
  arena_defer(session->arena, drop_instance, copy);
  return copy;
}

const char *session_names(const struct session *session, bool outputs) {
  struct text text = {.arena = session->arena};
  size_t count = outputs ? session->output_count : session->input_count;
  for (size_t i = 0; i < count; i++) {
    struct adze_tensor_info info;
    if (outputs)
      adze_model_output(session->model, i, &info);
    else
      adze_model_input(session->model, i, &info);
    text_format(&text, "%s%s", i ? ", " : "", info.name);
  }
  return text_string(&text);
}

enum adze_status session_check_input(const struct session *session,
                                     size_t index, const struct array *array,
                                     const char *where,
                                     struct adze_error *error) {
  struct adze_tensor_info info;
  adze_model_input(session->model, index, &info);
  bool same_shape = info.rank == array->rank;
  for (int i = 0; i < info.rank && same_shape; i++)
    same_shape = info.dims[i] < 0 || info.dims[i] == array->dims[i];
  if (same_shape && info.dtype == array->dtype)
    return ADZE_OK;
  return fail(
      error, same_shape ? ADZE_INVALID_ARGUMENT : ADZE_SHAPE,
      "%s: array '%s' is %s, but input '%s' of %s needs %s", where, array->name,
      array_type_text(session->arena, array->dtype, array->rank, array->dims),
      info.name, session->path, tensor_text(session->arena, &info));
}

/* The typed shape against the model's; a package has fixed sizes of its own. */
static enum adze_status check_typed_shape(const struct session *session,
                                          const struct adze_tensor_info *info,
                                          const struct shape *shape,
                                          struct adze_error *error) {
  if (shape->rank != info->rank)
    return fail(error, ADZE_SHAPE,
                "%s: input '%s' has %d dimensions, but --input-shapes gives it "
                "%d",
                session->path, info->name, info->rank, shape->rank);
  for (int i = 0; i < info->rank; i++)
    if (info->dims[i] >= 0 && shape->dims[i] >= 0 &&
        info->dims[i] != shape->dims[i])
      return fail(error, ADZE_SHAPE,
                  "%s: dimension %d of input '%s' is %lld, but --input-shapes "
                  "says %lld",
                  session->path, i, info->name, (long long)info->dims[i],
                  (long long)shape->dims[i]);
  return ADZE_OK;
}

static enum adze_status check_shape_names(const struct session *session,
                                          const struct shapes *shapes,
                                          struct adze_error *error) {
  for (size_t i = 0; i < shapes->count; i++)
    if (adze_model_find_input(session->model, shapes->items[i].name) < 0)
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "--input-shapes names '%s', but the inputs of %s are %s",
                  shapes->items[i].name, session->path,
                  session_names(session, false));
  return ADZE_OK;
}

static enum adze_status decide_dims(const struct session *session,
                                    const struct adze_tensor_info *info,
                                    const struct array *known,
                                    const struct shape *shape, int64_t *dims,
                                    struct adze_error *error) {
  for (int i = 0; i < info->rank; i++) {
    dims[i] = info->dims[i];
    if (dims[i] < 0 && known)
      dims[i] = known->dims[i];
    if (dims[i] < 0 && shape)
      dims[i] = shape->dims[i];
    if (dims[i] < 0 && i == 0)
      dims[i] = 1;
    if (dims[i] < 0)
      return fail(error, ADZE_SHAPE,
                  "%s: input '%s' is %s, with a size open in dimension %d; "
                  "give it with --input-shapes \"%s:[...]\"",
                  session->path, info->name, tensor_text(session->arena, info),
                  i, info->name);
  }
  return ADZE_OK;
}

/* The runtime's messages begin with the package; a user who typed a model has
 * never heard of it. */
static void name_model(const struct session *session,
                       struct adze_error *error) {
  size_t size = strlen(session->package);
  if (!error || strncmp(error->message, session->package, size) != 0 ||
      error->message[size] != ':')
    return;
  const char *rest = arena_strdup(session->arena, error->message + size);
  snprintf(error->message, sizeof error->message, "%s%s", session->path, rest);
}

static enum adze_status create_instance(struct session *session,
                                        const struct array *const *known,
                                        struct adze_error *error) {
  struct shapes shapes;
  const int64_t **dims =
      ARENA_ARRAY(session->arena, const int64_t *, session->input_count + 1);
  TRY(shapes_parse(session->arena, session->input_shapes, &shapes, error));
  TRY(check_shape_names(session, &shapes, error));
  for (size_t i = 0; i < session->input_count; i++) {
    struct adze_tensor_info info;
    adze_model_input(session->model, i, &info);
    const struct shape *shape = shapes_find(&shapes, info.name);
    int64_t *row = ARENA_ARRAY(session->arena, int64_t, ADZE_MAX_RANK);
    if (shape)
      TRY(check_typed_shape(session, &info, shape, error));
    TRY(decide_dims(session, &info, known ? known[i] : NULL, shape, row,
                    error));
    dims[i] = row;
  }
  struct adze_instance_options options = {.threads = session->threads,
                                          .flush_denormals =
                                              session->flush_denormals,
                                          .input_dims = dims};
  drop_instance(session);
  enum adze_status status =
      adze_instance_create(session->model, &options, &session->instance, error);
  if (status != ADZE_OK)
    name_model(session, error);
  return status;
}

/* Memory that is only promised would be taken from other programs once it is
 * used, so what can't be there is refused before anything is touched. */
static enum adze_status check_memory(const struct session *session,
                                     struct adze_error *error) {
  struct adze_tensor_info info;
  uint64_t machine =
      (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
  uint64_t most = machine / (uint64_t)session->copies;
  uint64_t workspace = adze_instance_workspace_bytes(session->instance);
  uint64_t tensors = 0; /* one is below 2^63, so a sum tells in time */
  for (size_t i = 0; i < session->input_count && tensors <= most; i++) {
    adze_instance_input(session->instance, i, &info);
    tensors += info.bytes;
  }
  for (size_t i = 0; i < session->output_count && tensors <= most; i++) {
    adze_instance_output(session->instance, i, &info);
    tensors += info.bytes;
  }
  if (tensors <= most && workspace <= most - tensors)
    return ADZE_OK;
  return fail(error, ADZE_LIMIT,
              "%s: needs %s for inputs and outputs and %s to work in%s, but "
              "this machine has %s",
              session->path, bytes_text(session->arena, tensors),
              bytes_text(session->arena, workspace),
              session->copies == 1
                  ? ""
                  : arena_printf(session->arena, ", for each of %d instances",
                                 session->copies),
              bytes_text(session->arena, machine));
}

enum adze_status session_prepare(struct session *session,
                                 const struct array *const *known,
                                 struct adze_error *error) {
  struct arena *arena = session->arena;
  struct adze_tensor_info info;
  TRY(create_instance(session, known, error));
  TRY(check_memory(session, error));
  session->inputs = ARENA_ARRAY(arena, struct array, session->input_count);
  session->outputs = ARENA_ARRAY(arena, struct array, session->output_count);
  for (size_t i = 0; i < session->input_count; i++) {
    struct array *array = &session->inputs[i];
    adze_instance_input(session->instance, i, &info);
    *array = array_like(&info);
    array_allocate(arena, array);
    TRY(adze_instance_bind_input(session->instance, i, array->data,
                                 array->bytes, error));
  }
  for (size_t i = 0; i < session->output_count; i++) {
    struct array *array = &session->outputs[i];
    adze_instance_output(session->instance, i, &info);
    *array = array_like(&info);
    array_allocate(arena, array);
    TRY(adze_instance_bind_output(session->instance, i, array->data,
                                  array->bytes, error));
  }
  return ADZE_OK;
}
