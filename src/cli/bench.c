/* SPDX-License-Identifier: Apache-2.0 */
/* adze bench: how fast models run.
 *
 * After warming up, each run is timed by itself until the time is over. Models
 * are measured one after the other, each in memory of its own that is released
 * before the next.
 */
#include "cli/bench.h"

#include <stdlib.h>
#include <string.h>

#include "base/environment.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/fill.h"
#include "cli/json.h"
#include "cli/layers.h"
#include "cli/measure.h"
#include "cli/session.h"

enum { LAYER_RUNS = 10 };
/* In the order of the words of --hint. */
enum hint { HINT_LATENCY, HINT_THROUGHPUT };

struct bench_arguments {
  int hint, threads, warmup;
  const char *input_shapes;
  double time;
  bool layers, json, verbose, no_winograd, flush_denormals, copy_weights;
};

#define FIELD(name) CLI_FIELD(struct bench_arguments, name)
static const struct cli_option bench_options[] = {
    {FIELD(hint), 0, CLI_CHOICE, "latency|throughput", "latency", "Measuring",
     "one instance on all threads, as quick as it gets, or one on each thread, "
     "all at once, for as many runs per second as it gets"},
    {FIELD(threads), 0, CLI_INT, "N", "0", "Measuring",
     "threads that run, and with --hint throughput instances; 0: ADZE_THREADS, "
     "else every CPU",
     .maximum = 1024},
    {FIELD(no_winograd), 0, CLI_FLAG, NULL, NULL, "Measuring", CLI_NO_WINOGRAD},
    {FIELD(flush_denormals), 0, CLI_FLAG, NULL, NULL, "Measuring",
     CLI_FLUSH_DENORMALS},
    {FIELD(copy_weights), 0, CLI_FLAG, NULL, NULL, "Measuring",
     CLI_COPY_WEIGHTS},
    {FIELD(input_shapes), 0, CLI_TEXT, "SHAPES", NULL, "Measuring",
     "sizes of inputs, \"image:[1,3,257,257]\""},
    {FIELD(time), 't', CLI_REAL, "SECONDS", "2", "Measuring",
     "how long to measure each model", .minimum = 0, .maximum = 1e6},
    {FIELD(warmup), 0, CLI_INT, "N", "3", "Measuring",
     "runs before the measured ones", .maximum = 1e9},
    {FIELD(layers), 0, CLI_FLAG, NULL, NULL, "Output",
     "also print each kernel with its template, ms, GFLOP/s and share of the "
     "peak"},
    {FIELD(json), 0, CLI_FLAG, NULL, NULL, "Output",
     "print an array of objects instead of a table"},
    {FIELD(verbose), 'v', CLI_FLAG, NULL, NULL, "Output",
     "print the stages of compiling a model on stderr"},
};
#undef FIELD

/* What stays of the row lies in `kept`, everything else in `arena`. */
static enum adze_status bench_model(struct arena *arena, const char *path,
                                    const struct bench_arguments *arguments,
                                    double *peak, struct bench_row *row,
                                    struct arena *kept,
                                    struct adze_error *error) {
  struct session *session;
  struct measured measured;
  struct measure_options how = {.seconds = arguments->time,
                                .warmup = arguments->warmup};
  bool throughput = arguments->hint == HINT_THROUGHPUT;
  int threads = arguments->threads ? arguments->threads : environment_threads();
  struct session_options options = {
      .path = path,
      .input_shapes = arguments->input_shapes,
      .threads = throughput ? 1 : threads,
      .verbose = arguments->verbose,
      .no_winograd = arguments->no_winograd,
      .flush_denormals = arguments->flush_denormals,
      .load.copy_weights = arguments->copy_weights,
      .copies = throughput ? threads : 1};
  TRY(session_load(arena, &options, &session, error));
  TRY(session_prepare(session, NULL, error));
  for (size_t i = 0; i < session->input_count; i++)
    fill_array(&session->inputs[i], FILL_RANDOM, i);
  TRY(throughput ? measure_throughput(session, threads, &how, &measured, error)
                 : measure_latency(session, &how, &measured, error));
  *row = (struct bench_row){.model = path,
                            .threads = threads,
                            .instances = options.copies,
                            .ms = measured.ms,
                            .fps = measured.fps,
                            .gflops = layers_flops(session->model) *
                                      measured.fps * 1e-9};
  if (*peak <= 0)
    *peak = adze_machine_measure_peak(threads);
  if (*peak > 0)
    row->peak_share = row->gflops / *peak;
  return arguments->layers ? layers_measure(kept, session, LAYER_RUNS, *peak,
                                            &row->layers, error)
                           : ADZE_OK;
}

static void print_heading(int width) {
  printf("%-*s %7s %9s %9s %9s %9s %9s %9s %9s %9s %9s %9s %6s\n", width,
         "model", "threads", "instances", "mean ms", "median", "p90", "p99",
         "max", "min", "std", "fps", "GFLOP/s", "peak");
}

static void print_row(const struct bench_row *row, int width) {
  printf("%-*s %7d %9d %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f %9.1f", width,
         row->model, row->threads, row->instances, row->ms.mean, row->ms.median,
         row->ms.p90, row->ms.p99, row->ms.max, row->ms.min, row->ms.std,
         row->fps);
  if (row->gflops > 0)
    printf(" %9.1f %5.1f%%\n", row->gflops, 100 * row->peak_share);
  else /* open dimensions: how much work it was is not known */
    printf(" %9s %6s\n", "-", "-");
  fflush(stdout);
}

static int longest_name(const struct cli *cli) {
  size_t longest = strlen("model");
  for (size_t i = 0; i < cli->positional_count; i++)
    if (strlen(cli->positional[i]) > longest)
      longest = strlen(cli->positional[i]);
  return longest < 60 ? (int)longest : 60;
}

/* One model under a guard and in an arena of its own: what it needs too much
 * of, the next may still have. */
struct bench_job {
  const char *path;
  const struct bench_arguments *arguments;
  struct arena *arena, *kept;
  double *peak;
  struct bench_row *row;
  struct adze_error *error;
};

static enum adze_status bench_guarded(void *argument) {
  struct bench_job *job = argument;
  return bench_model(job->arena, job->path, job->arguments, job->peak, job->row,
                     job->kept, job->error);
}

static enum adze_status bench_run(struct cli *cli, void *data,
                                  struct adze_error *error) {
  const struct bench_arguments *arguments = data;
  int width = longest_name(cli);
  double peak = 0;
  size_t count = 0;
  struct bench_row *rows =
      ARENA_ARRAY(cli->arena, struct bench_row, cli->positional_count);
  if (arguments->layers && arguments->hint == HINT_THROUGHPUT)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "bench: --layers times the kernels of one instance that runs "
                "alone, so it can't go with --hint throughput");
  for (size_t i = 0; i < cli->positional_count; i++) {
    struct bench_job job = {.path = cli->positional[i],
                            .arguments = arguments,
                            .arena = arena_create("bench"),
                            .kept = cli->arena,
                            .peak = &peak,
                            .row = &rows[count],
                            .error = error};
    if (!job.arena)
      guard_out_of_memory();
    enum adze_status status = guard_run(bench_guarded, &job, error);
    if (status == ADZE_OK && !arguments->json) {
      if (count == 0)
        print_heading(width);
      print_row(job.row, width);
      if (arguments->layers)
        layers_print(&job.row->layers);
    }
    arena_destroy(job.arena);
    TRY(status);
    count++;
  }
  return arguments->json ? json_bench(cli->arena, rows, count, error) : ADZE_OK;
}

const struct cli_command cli_command_bench = {
    .name = "bench",
    .positional = "MODEL|PACKAGE...",
    .minimum = 1,
    .maximum = SIZE_MAX,
    .summary = "measure how fast models run",
    .description =
        "Runs each model on random inputs for some seconds and prints the "
        "mean, median, 90th and 99th percentile, maximum, minimum and "
        "standard deviation of the time of a run, runs per second (fps), the "
        "GFLOP/s that they give, and their share of what this machine's cores "
        "measurably can. With --hint throughput a single-threaded instance of "
        "the model runs on each core, all at once on the same weights; fps is "
        "then what all do together. A model file is compiled for as many cores "
        "as run one instance.",
    .examples = "adze bench resnet50.onnx mobilenet.onnx --threads 1\n"
                "adze bench posenet.onnx --input-shapes "
                "\"image:[1,3,257,257]\" --layers\n"
                "adze bench module.tar -t 10 --json\n"
                "adze bench module.tar --hint throughput --threads 2\n",
    .options = bench_options,
    .option_count = ARRAY_COUNT(bench_options),
    .arguments_bytes = sizeof(struct bench_arguments),
    .run = bench_run,
};
