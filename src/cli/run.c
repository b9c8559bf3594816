/* SPDX-License-Identifier: Apache-2.0 */
/* adze run: a model or package on given or made-up inputs.
 *
 * The order is: load; open the npz and compare its arrays with the inputs;
 * bind memory for the shapes they have; fill; run; write and print.
 */
#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/fill.h"
#include "cli/layers.h"
#include "cli/npz.h"
#include "cli/picture.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/statistics.h"

struct run_arguments {
  const char *inputs, *image, *input_shapes;
  int fill_mode;
  const char *outputs, *labels;
  int output_names, print_top;
  bool print_time, profile, verbose, no_winograd, flush_denormals, copy_weights;
  int repeat, number, device, threads;
};

#define FIELD(name) CLI_FIELD(struct run_arguments, name)
static const struct cli_option run_options[] = {
    {FIELD(inputs), 'i', CLI_TEXT, "FILE.npz", NULL, "Input",
     "arrays for the inputs, under their names"},
    {FIELD(image), 0, CLI_TEXT, "FILE", NULL, "Input",
     "a JPEG, PNG or BMP for the first input that can hold one: stretched to "
     "its size, RGB from 0 to 255"},
    {FIELD(input_shapes), 0, CLI_TEXT, "SHAPES", NULL, "Input",
     "sizes of inputs, \"image:[1,3,257,257] other:[1,10]\""},
    {FIELD(fill_mode), 0, CLI_CHOICE, "zeros|ones|random", "random", "Input",
     "what inputs hold that are not given; random numbers are the same in "
     "every run"},
    {FIELD(outputs), 'o', CLI_TEXT, "FILE.npz", NULL, "Output",
     "write the outputs there"},
    {FIELD(output_names), 0, CLI_CHOICE, "model|positional", "model", "Output",
     "name them as the model does, or output_0, output_1, ... as TVMC does "
     "(the default when called as tvmc)"},
    {FIELD(print_top), 0, CLI_INT, "N", NULL, "Output",
     "print the N largest values of the first output and their indices",
     .minimum = 1, .maximum = 1e9},
    {FIELD(labels), 0, CLI_TEXT, "FILE", NULL, "Output",
     "a name per line for those indices"},
    {FIELD(print_time), 0, CLI_FLAG, NULL, NULL, "Time",
     "print mean, median, max, min and std of the time in ms"},
    {FIELD(repeat), 0, CLI_INT, "N", "1", "Time",
     "how many times to measure, after one run that is not", .minimum = 1,
     .maximum = 1e9},
    {FIELD(number), 0, CLI_INT, "N", "1", "Time",
     "runs per measurement, which is their mean", .minimum = 1, .maximum = 1e9},
    {FIELD(profile), 0, CLI_FLAG, NULL, NULL, "Time",
     "print the time of each kernel, the slowest first"},
    {FIELD(device), 0, CLI_CHOICE, "cpu", "cpu", "Working", "where to run"},
    {FIELD(threads), 0, CLI_INT, "N", "0", "Working",
     "threads that run; 0: ADZE_THREADS, else every CPU", .maximum = 1024},
    {FIELD(no_winograd), 0, CLI_FLAG, NULL, NULL, "Working", CLI_NO_WINOGRAD},
    {FIELD(flush_denormals), 0, CLI_FLAG, NULL, NULL, "Working",
     CLI_FLUSH_DENORMALS},
    {FIELD(copy_weights), 0, CLI_FLAG, NULL, NULL, "Working",
     CLI_COPY_WEIGHTS},
    {FIELD(verbose), 'v', CLI_FLAG, NULL, NULL, "Working",
     "print the stages of compiling a model on stderr"},
};
#undef FIELD

/* Where each input comes from. */
struct sources {
  struct npz *npz;            /* or NULL */
  int *from_npz;              /* [input_count] array in npz, or -1 */
  const struct array **known; /* [input_count] it, or NULL */
  int image_input;            /* or -1 */
};

static enum adze_status match_npz(struct session *session, const char *path,
                                  struct sources *sources,
                                  struct adze_error *error) {
  TRY(npz_open(session->arena, path, &sources->npz, error));
  for (size_t i = 0; i < npz_count(sources->npz); i++) {
    const struct array *array = npz_array(sources->npz, i);
    int input = adze_model_find_input(session->model, array->name);
    if (input < 0)
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "%s: array '%s' is no input of %s, whose inputs are %s", path,
                  array->name, session->path, session_names(session, false));
    TRY(session_check_input(session, (size_t)input, array, path, error));
    sources->from_npz[input] = (int)i;
    sources->known[input] = array;
  }
  return ADZE_OK;
}

static enum adze_status match_image(const struct session *session,
                                    const char *path, struct sources *sources,
                                    struct adze_error *error) {
  for (size_t i = 0; i < session->input_count; i++) {
    struct adze_tensor_info info;
    adze_model_input(session->model, i, &info);
    if (sources->from_npz[i] < 0 && picture_fits(info.rank, info.dims)) {
      sources->image_input = (int)i;
      return ADZE_OK;
    }
  }
  return fail(error, ADZE_SHAPE,
              "%s: no input of %s can hold a picture, [1,3,height,width] or "
              "[1,height,width,3]",
              path, session->path);
}

static enum adze_status find_sources(struct session *session,
                                     const struct run_arguments *arguments,
                                     struct sources *out,
                                     struct adze_error *error) {
  size_t count = session->input_count;
  *out = (struct sources){
      .from_npz = ARENA_ARRAY(session->arena, int, count + 1),
      .known = ARENA_ARRAY(session->arena, const struct array *, count + 1),
      .image_input = -1};
  for (size_t i = 0; i < count; i++)
    out->from_npz[i] = -1;
  if (arguments->inputs)
    TRY(match_npz(session, arguments->inputs, out, error));
  if (arguments->image)
    TRY(match_image(session, arguments->image, out, error));
  return ADZE_OK;
}

static enum adze_status fill_inputs(struct session *session,
                                    const struct run_arguments *arguments,
                                    const struct sources *sources,
                                    struct adze_error *error) {
  for (size_t i = 0; i < session->input_count; i++) {
    struct array *array = &session->inputs[i];
    if (sources->from_npz[i] >= 0)
      TRY(npz_read(sources->npz, (size_t)sources->from_npz[i], array->data,
                   error));
    else if ((int)i == sources->image_input)
      TRY(picture_fill(session->arena, arguments->image, array, error));
    else
      fill_array(array, (enum fill_mode)arguments->fill_mode, i);
  }
  return ADZE_OK;
}

/* Runs once, then repeat * number times under the clock. */
static enum adze_status run_measured(struct session *session,
                                     const struct run_arguments *arguments,
                                     struct adze_error *error) {
  struct statistics ms;
  size_t repeat = (size_t)arguments->repeat;
  double *samples = ARENA_ARRAY(session->arena, double, repeat);
  TRY(adze_instance_run(session->instance, error));
  if (!arguments->print_time)
    return ADZE_OK;
  for (size_t i = 0; i < repeat; i++) {
    int64_t start = time_now_ns();
    for (int j = 0; j < arguments->number; j++)
      TRY(adze_instance_run(session->instance, error));
    samples[i] = (double)(time_now_ns() - start) * 1e-6 / arguments->number;
  }
  statistics_of(samples, repeat, &ms);
  print_time_table(&ms);
  return ADZE_OK;
}

static enum adze_status write_outputs(const struct session *session,
                                      const char *path, bool positional,
                                      struct adze_error *error) {
  size_t count = session->output_count;
  struct array *arrays = ARENA_ARRAY(session->arena, struct array, count + 1);
  for (size_t i = 0; i < count; i++) {
    arrays[i] = session->outputs[i];
    if (positional)
      arrays[i].name = arena_printf(session->arena, "output_%zu", i);
  }
  return npz_write(session->arena, path, arrays, count, error);
}

static enum adze_status report(const struct cli *cli, struct session *session,
                               const struct run_arguments *arguments,
                               struct adze_error *error) {
  enum { MODEL, POSITIONAL };
  bool positional = arguments->output_names == POSITIONAL ||
                    (cli->tvmc && !cli_given(cli, "output_names"));
  if (arguments->profile) {
    struct layers layers;
    double peak = adze_machine_measure_peak(session->threads);
    TRY(layers_measure(session->arena, session, arguments->repeat, peak,
                       &layers, error));
    layers_sort(&layers);
    layers_print(&layers);
  }
  if (arguments->outputs)
    TRY(write_outputs(session, arguments->outputs, positional, error));
  if (arguments->print_top && session->output_count)
    TRY(print_top(session->arena, &session->outputs[0],
                  (size_t)arguments->print_top, arguments->labels, error));
  if (!arguments->outputs && !arguments->print_top && !arguments->profile &&
      !arguments->print_time)
    for (size_t i = 0; i < session->output_count; i++)
      print_summary(session->arena, &session->outputs[i]);
  return ADZE_OK;
}

static enum adze_status run_run(struct cli *cli, void *data,
                                struct adze_error *error) {
  const struct run_arguments *arguments = data;
  struct session *session;
  struct sources sources;
  struct session_options options = {.path = cli->positional[0],
                                    .input_shapes = arguments->input_shapes,
                                    .threads = arguments->threads,
                                    .verbose = arguments->verbose,
                                    .no_winograd = arguments->no_winograd,
                                    .flush_denormals =
                                        arguments->flush_denormals,
                                    .load.copy_weights =
                                        arguments->copy_weights};
  if (arguments->labels && !arguments->print_top)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "run: option --labels needs --print-top");
  if (arguments->outputs)
    TRY(file_check_writable(arguments->outputs, error));
  TRY(session_load(cli->arena, &options, &session, error));
  TRY(find_sources(session, arguments, &sources, error));
  TRY(session_prepare(session, sources.known, error));
  TRY(fill_inputs(session, arguments, &sources, error));
  TRY(run_measured(session, arguments, error));
  return report(cli, session, arguments, error);
}

const struct cli_command cli_command_run = {
    .name = "run",
    .positional = "MODEL|PACKAGE",
    .minimum = 1,
    .maximum = 1,
    .summary = "run a model or package",
    .description =
        "Runs a package, or a model file, which is compiled into a cache "
        "first (see ADZE_CACHE in `adze env`). Inputs come from an npz file, "
        "a picture, or are made up; outputs go to an npz file. Without an "
        "option that asks for something else, a line per output is printed.",
    .examples = "adze run net.onnx --image cat.jpg --print-top 5 "
                "--labels classes.txt\n"
                "adze run module.tar -i inputs.npz -o outputs.npz\n"
                "adze run posenet.onnx --input-shapes "
                "\"image:[1,3,257,257]\" --print-time\n"
                "adze run module.tar --fill-mode ones --profile\n",
    .options = run_options,
    .option_count = ARRAY_COUNT(run_options),
    .arguments_bytes = sizeof(struct run_arguments),
    .run = run_run,
};
