/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one model on stored data or against the reference, by samples of each
 * group's output.
 *
 * The model is compiled anew, not taken from the cache: what is verified is
 * this compiler. Each data set gets an instance of its own, since the sizes of
 * open dimensions may differ from set to set.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cache.h"
#include "cli/fill.h"
#include "cli/layers.h"
#include "cli/npz.h"
#include "cli/progress.h"
#include "cli/tensor_proto.h"
#include "cli/verify.h"

/* Stored arrays by the model's inputs and outputs; data NULL where absent. */
struct stored {
  struct array *inputs, *outputs;
};

static struct stored new_stored(const struct session *session) {
  return (struct stored){
      ARENA_ARRAY(session->arena, struct array, session->input_count + 1),
      ARENA_ARRAY(session->arena, struct array, session->output_count + 1)};
}

/* ---- test_data_set_N ----------------------------------------------------- */

/* input_I.pb is meant for the input of its tensor's name, or, where it has none
 * that the model knows, for input I. */
static enum adze_status store_tensor(struct session *session, const char *path,
                                     int index, bool output,
                                     struct array *array, struct stored *stored,
                                     struct adze_error *error) {
  int named = output ? adze_model_find_output(session->model, array->name)
                     : adze_model_find_input(session->model, array->name);
  size_t count = output ? session->output_count : session->input_count;
  struct array *slots = output ? stored->outputs : stored->inputs;
  size_t slot = (size_t)(named >= 0 ? named : index);
  if (slot >= count || slots[slot].data)
    return fail(error, ADZE_INVALID_DATA,
                "%s: the model has no %s for this tensor; its %ss are %s", path,
                output ? "output" : "input", output ? "output" : "input",
                session_names(session, output));
  slots[slot] = *array;
  return ADZE_OK;
}

static enum adze_status load_tensors(struct session *session,
                                     const char *folder, bool output,
                                     struct stored *stored,
                                     struct adze_error *error) {
  for (int i = 0;; i++) {
    struct array array;
    const char *path = arena_printf(session->arena, "%s/%s_%d.pb", folder,
                                    output ? "output" : "input", i);
    if (access(path, F_OK))
      return ADZE_OK;
    TRY(tensor_proto_load(session->arena, path, &array, error));
    TRY(store_tensor(session, path, i, output, &array, stored, error));
  }
}

/* ---- npz ----------------------------------------------------------------- */

static enum adze_status store_npz_array(struct session *session,
                                        struct npz *npz, size_t index,
                                        struct stored *stored,
                                        struct adze_error *error) {
  struct array array = *npz_array(npz, index);
  const char *name = array.name;
  bool may_input = !string_starts(name, "out:");
  bool may_output = !string_starts(name, "in:");
  if (!may_input || !may_output)
    name = strchr(name, ':') + 1;
  int input = may_input ? adze_model_find_input(session->model, name) : -1;
  int output = may_output ? adze_model_find_output(session->model, name) : -1;
  if (input < 0 && output < 0)
    return fail(error, ADZE_INVALID_DATA,
                "%s: array '%s' is neither input (%s) nor output (%s) of the "
                "model",
                npz_path(npz), array.name, session_names(session, false),
                session_names(session, true));
  array_allocate(session->arena, &array);
  TRY(npz_read(npz, index, array.data, error));
  if (input >= 0)
    stored->inputs[input] = array;
  else
    stored->outputs[output] = array;
  return ADZE_OK;
}

static enum adze_status load_npz(struct session *session, const char *path,
                                 struct stored *stored,
                                 struct adze_error *error) {
  struct npz *npz;
  TRY(npz_open(session->arena, path, &npz, error));
  for (size_t i = 0; i < npz_count(npz); i++)
    TRY(store_npz_array(session, npz, i, stored, error));
  return ADZE_OK;
}

/* ---- Running ------------------------------------------------------------- */

static enum adze_status check_inputs(struct session *session, const char *where,
                                     const struct stored *stored,
                                     const struct array ***known,
                                     struct adze_error *error) {
  *known = ARENA_ARRAY(session->arena, const struct array *,
                       session->input_count + 1);
  for (size_t i = 0; i < session->input_count; i++) {
    struct adze_tensor_info info;
    adze_model_input(session->model, i, &info);
    if (!stored->inputs[i].data)
      return fail(error, ADZE_INVALID_DATA,
                  "%s: there is no data for input '%s'", where, info.name);
    TRY(session_check_input(session, i, &stored->inputs[i], where, error));
    (*known)[i] = &stored->inputs[i];
  }
  return ADZE_OK;
}

static enum adze_status run_set(struct session *session,
                                const struct data_set *set,
                                const struct verify_options *options,
                                struct adze_error *error) {
  struct stored stored = new_stored(session);
  const struct array **known;
  bool compared = false;
  if (set->npz) {
    TRY(load_npz(session, set->path, &stored, error));
  } else {
    TRY(load_tensors(session, set->path, false, &stored, error));
    TRY(load_tensors(session, set->path, true, &stored, error));
  }
  TRY(check_inputs(session, set->path, &stored, &known, error));
  TRY(session_prepare(session, known, error));
  for (size_t i = 0; i < session->input_count; i++)
    memcpy(session->inputs[i].data, stored.inputs[i].data,
           session->inputs[i].bytes);
  TRY(adze_instance_run(session->instance, error));
  for (size_t i = 0; i < session->output_count; i++) {
    if (!stored.outputs[i].data)
      continue;
    compared = true;
    TRY(compare_arrays(session->arena, &session->outputs[i], &stored.outputs[i],
                       options->rtol, options->atol, error));
  }
  return compared ? ADZE_OK
                  : fail(error, ADZE_INVALID_DATA,
                         "%s: there is no output to compare with", set->path);
}

/* "image:[1,3,257,257] …" of the shapes that the session has. */
static const char *shapes_text(const struct session *session) {
  struct text text = {.arena = session->arena};
  for (size_t i = 0; i < session->input_count; i++) {
    const struct array *array = &session->inputs[i];
    text_format(&text, "%s%s:[", i ? " " : "", array->name);
    for (int d = 0; d < array->rank; d++)
      text_format(&text, "%s%lld", d ? "," : "", (long long)array->dims[d]);
    text_add(&text, "]");
  }
  return text_string(&text);
}

/* ---- The reference ------------------------------------------------------- */

/* The interpreter takes some 100 ns for a multiply-add. */
static const double WHOLE_MACS = 5e6;

/* Sums in another order: relative to the largest value, not to the element. */
static double allowed_error(const struct array *expected,
                            const struct verify_options *options) {
  double largest = 0;
  for (size_t i = 0; i < array_count(expected); i++) {
    double size = fabs(array_get(expected, i));
    largest = isfinite(size) && size > largest ? size : largest;
  }
  return options->atol + options->rtol / 10 * largest;
}

static void print_group(void *context, const struct adze_check_group *group) {
  (void)context;
  fprintf(stderr, "%4zu/%zu  %-24s %4zu samples, largest error %.1e  %s\n",
          group->index + 1, group->count, group->template_name, group->samples,
          group->worst, group->name);
}

/* Group by group; then the package's outputs, whose values share memory, must
 * be the same to the bit. */
static enum adze_status check_groups(struct session *session,
                                     const struct adze_compile_options *compile,
                                     const struct verify_options *options,
                                     const void *const *inputs,
                                     void *const *outputs,
                                     const struct array *expected,
                                     struct adze_error *error) {
  struct adze_check_options check;
  adze_check_options_init(&check);
  check.shapes = shapes_text(session);
  check.inputs = inputs;
  check.outputs = outputs;
  check.samples = options->samples;
  check.rtol = options->rtol / 10;
  check.atol = options->atol;
  check.report = options->verbose ? print_group : NULL;
  TRY(adze_check(session->path, compile, &check, error));
  for (size_t i = 0; i < session->output_count; i++)
    if (compare_arrays(session->arena, &session->outputs[i], &expected[i], 0, 0,
                       error))
      return fail_prefix(error, "the package, where values share memory, and "
                                "its kernels one by one differ");
  return ADZE_OK;
}

static enum adze_status
interpret_whole(struct session *session, const struct verify_options *options,
                const void *const *inputs, void *const *outputs,
                const struct array *expected, struct adze_error *error) {
  struct adze_compile_options compile;
  adze_compile_options_init(&compile);
  compile.input_shapes = shapes_text(session);
  TRY(adze_interpret(session->path, &compile, inputs, outputs, error));
  for (size_t i = 0; i < session->output_count; i++)
    TRY(compare_arrays(session->arena, &session->outputs[i], &expected[i], 0,
                       allowed_error(&expected[i], options), error));
  return ADZE_OK;
}

static enum adze_status run_reference(struct session *session,
                                      const struct verify_options *options,
                                      struct adze_error *error) {
  struct arena *arena = session->arena;
  struct adze_compile_options compile;
  struct progress progress;
  TRY(session_prepare(session, NULL, error));
  const void **inputs =
      ARENA_ARRAY(arena, const void *, session->input_count + 1);
  void **outputs = ARENA_ARRAY(arena, void *, session->output_count + 1);
  struct array *expected =
      ARENA_ARRAY(arena, struct array, session->output_count + 1);
  for (size_t i = 0; i < session->input_count; i++) {
    fill_array(&session->inputs[i], FILL_RANDOM, i);
    inputs[i] = session->inputs[i].data;
  }
  for (size_t i = 0; i < session->output_count; i++) {
    expected[i] = session->outputs[i];
    array_allocate(arena, &expected[i]);
    outputs[i] = expected[i].data;
  }
  TRY(adze_instance_run(session->instance, error));
  adze_compile_options_init(&compile);
  compile.input_shapes = options->input_shapes;
  compile.no_winograd = options->no_winograd;
  compile.progress = progress_show;
  compile.progress_context = &progress;
  progress_begin(&progress, session->path, false);
  enum adze_status status = check_groups(session, &compile, options, inputs,
                                         outputs, expected, error);
  progress_end(&progress);
  if (status == ADZE_OK && layers_flops(session->model) / 2 <= WHOLE_MACS)
    status =
        interpret_whole(session, options, inputs, outputs, expected, error);
  return status;
}

enum adze_status verify_run_case(struct arena *arena,
                                 const struct verify_case *test,
                                 const struct verify_options *options,
                                 struct adze_error *error) {
  struct session *session;
  struct session_options load = {.path = test->model,
                                 .input_shapes = options->input_shapes,
                                 .threads = options->threads,
                                 .load.fresh = true,
                                 .no_winograd = options->no_winograd};
  if (!test->set_count && file_is_package(test->model))
    return fail(error, ADZE_INVALID_ARGUMENT,
                "%s: a package holds no model to compare with; give an npz "
                "with inputs and outputs after it",
                test->model);
  TRY(session_load(arena, &load, &session, error));
  for (size_t i = 0; i < test->set_count; i++)
    TRY(run_set(session, &test->sets[i], options, error));
  return test->set_count ? ADZE_OK : run_reference(session, options, error);
}
