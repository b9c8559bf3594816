/* SPDX-License-Identifier: Apache-2.0 */
/* adze verify: does compiled code compute what it should?
 *
 * Each model is compiled and run in a process of its own, so that one that
 * crashes is a line in the report like any other failure. The child sends its
 * sentence through a pipe; its exit code says nothing, since a sanitizer may
 * set it. Its temporary files lie in a folder that the parent removes, since
 * who crashes does not tidy up.
 */
#include "cli/interrupt.h"
#include "cli/verify.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"

struct verify_arguments {
  double rtol, atol;
  const char *input_shapes;
  int threads, samples;
  bool verbose, no_winograd;
};

#define FIELD(name) CLI_FIELD(struct verify_arguments, name)
static const struct cli_option verify_option_rows[] = {
    {FIELD(rtol), 0, CLI_REAL, "X", "0.001", "Comparing",
     "how much an element may differ, times the expected value; without "
     "stored data a tenth of it, times the largest value of the output",
     .minimum = 0, .maximum = 1e30},
    {FIELD(atol), 0, CLI_REAL, "X", "1e-7", "Comparing",
     "how much it may differ besides", .minimum = 0, .maximum = 1e30},
    {FIELD(samples), 0, CLI_INT, "N", "64", "Comparing",
     "elements of each group's output that the reference computes, where no "
     "data is stored",
     .minimum = 1, .maximum = 1e6},
    {FIELD(verbose), 'v', CLI_FLAG, NULL, NULL, "Comparing",
     "then print each group with its largest error, on stderr"},
    {FIELD(no_winograd), 0, CLI_FLAG, NULL, NULL, "Running", CLI_NO_WINOGRAD},
    {FIELD(input_shapes), 0, CLI_TEXT, "SHAPES", NULL, "Running",
     "sizes of inputs, \"image:[1,3,257,257]\", where no data tells them"},
    {FIELD(threads), 0, CLI_INT, "N", "0", "Running",
     "threads that run; 0: ADZE_THREADS, else every CPU", .maximum = 1024},
};
#undef FIELD

struct verify_job {
  struct arena *arena;
  const struct verify_case *test;
  const struct verify_options *options;
  struct adze_error *error;
};

static enum adze_status run_guarded(void *argument) {
  struct verify_job *job = argument;
  return verify_run_case(job->arena, job->test, job->options, job->error);
}

/* The line names the model already; a path before it says it twice. */
static const char *without_path(const char *message,
                                const struct verify_case *test) {
  size_t size = strlen(test->model);
  return strncmp(message, test->model, size) == 0 && message[size] == ':'
             ? message + size + 1 + (message[size + 1] == ' ')
             : message;
}

/* In the child: sends "ok" or a sentence, and ends without the parent's exit
 * handlers and buffers. */
static _Noreturn void run_child(int out, const struct verify_case *test,
                                const struct verify_options *options) {
  interrupt_as_child();
  struct adze_error error = {0};
  struct verify_job job = {.arena = arena_create("verify"),
                           .test = test,
                           .options = options,
                           .error = &error};
  enum adze_status status = ADZE_OUT_OF_MEMORY;
  if (job.arena)
    status = guard_run(run_guarded, &job, &error);
  const char *text = status == ADZE_OK  ? "ok"
                     : error.message[0] ? without_path(error.message, test)
                                        : adze_status_text(status);
  arena_destroy(job.arena); /* removes temporary files */
  size_t size = strlen(text) + 1;
  bool sent = write(out, text, size) == (ssize_t)size;
  fflush(stderr);
  _exit(sent ? 0 : 1);
}

/* Reads until the child closes its end; true when a whole text came. */
static bool receive(int in, char *text, size_t bytes) {
  size_t size = 0;
  ssize_t got;
  while (size < bytes && ((got = read(in, text + size, bytes - size)) > 0 ||
                          (got < 0 && errno == EINTR)))
    size += got > 0 ? (size_t)got : 0;
  return size > 0 && text[size - 1] == '\0';
}

/* Starts the child for a model; its end of the pipe is *out. */
static enum adze_status start_child(const struct verify_case *test,
                                    const struct verify_options *options,
                                    const char *folder, pid_t *child, int *in,
                                    struct adze_error *error) {
  int ends[2];
  if (pipe(ends))
    return fail(error, ADZE_IO, "verify: no pipe: %s", strerror(errno));
  fflush(stdout);
  fflush(stderr);
  *child = fork();
  if (*child == 0) {
    close(ends[0]);
    setenv("TMPDIR", folder, 1);
    run_child(ends[1], test, options);
  }
  close(ends[1]);
  *in = ends[0];
  if (*child > 0)
    return ADZE_OK;
  close(ends[0]);
  return fail(error, ADZE_IO, "verify: no process: %s", strerror(errno));
}

/* Sets `result` to "ok" or what went wrong. */
static enum adze_status run_case(const struct verify_case *test,
                                 const struct verify_options *options,
                                 char *result, size_t bytes,
                                 struct adze_error *error) {
  char folder[PATH_MAX];
  int in = -1, how = 0;
  pid_t child = -1;
  TRY(folder_make_temporary(folder, error));
  enum adze_status status =
      start_child(test, options, folder, &child, &in, error);
  if (status == ADZE_OK) {
    bool received = receive(in, result, bytes);
    close(in);
    while (waitpid(child, &how, 0) < 0 && errno == EINTR)
      continue;
    if (!received && WIFSIGNALED(how))
      snprintf(result, bytes, "it crashed: %s", strsignal(WTERMSIG(how)));
    else if (!received)
      snprintf(result, bytes, "it ended with exit code %d",
               WIFEXITED(how) ? WEXITSTATUS(how) : -1);
  }
  folder_remove(folder);
  return status;
}

static enum adze_status verify_run(struct cli *cli, void *data,
                                   struct adze_error *error) {
  const struct verify_arguments *arguments = data;
  struct verify_options options = {.rtol = arguments->rtol,
                                   .atol = arguments->atol,
                                   .input_shapes = arguments->input_shapes,
                                   .threads = arguments->threads,
                                   .samples = (size_t)arguments->samples,
                                   .verbose = arguments->verbose,
                                   .no_winograd = arguments->no_winograd};
  struct verify_cases cases;
  size_t failed = 0;
  TRY(verify_find(cli->arena, cli->positional, cli->positional_count, &cases,
                  error));
  for (size_t i = 0; i < cases.count; i++) {
    char result[sizeof error->message];
    TRY(run_case(&cases.items[i], &options, result, sizeof result, error));
    bool passed = strcmp(result, "ok") == 0;
    failed += !passed;
    printf("%s %s%s%s\n", passed ? "ok" : "failed", cases.items[i].name,
           passed ? "" : ": ", passed ? "" : result);
    fflush(stdout);
  }
  printf("%zu passed, %zu failed\n", cases.count - failed, failed);
  return failed ? ADZE_MISMATCH : ADZE_OK;
}

const struct cli_command cli_command_verify = {
    .name = "verify",
    .positional = "MODEL|FOLDER...",
    .minimum = 1,
    .maximum = SIZE_MAX,
    .summary = "compare results of models with what they should be",
    .description =
        "Compiles each model and runs it on stored inputs: folders "
        "test_data_set_N beside it with input_N.pb and output_N.pb, as ONNX "
        "publishes them, or npz files with arrays named in:INPUT and "
        "out:OUTPUT (or plainly by name), beside it or given after it. A "
        "model without data runs on random inputs, group after group (nodes "
        "that became one kernel), and samples of each group's output are "
        "compared with the reference, an interpreter; with one worker and with "
        "several, and with what the package computes. A small model is "
        "interpreted whole besides. Folders are searched for *.onnx. Prints a "
        "line per model; the exit code is 1 when one failed.",
    .examples = "adze verify resnet50.onnx\n"
                "adze verify net.onnx stored.npz --rtol 1e-4\n"
                "adze verify onnx/backend/test/data/node\n",
    .options = verify_option_rows,
    .option_count = ARRAY_COUNT(verify_option_rows),
    .arguments_bytes = sizeof(struct verify_arguments),
    .run = verify_run,
};
