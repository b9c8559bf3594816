/* SPDX-License-Identifier: Apache-2.0 */
/* From argv to a command and back to an exit code.
 *
 * Everything runs under one guard_run, so that memory running out anywhere is
 * one sentence and exit code 11. Output that could not be written (a full
 * disk, a closed pipe) is found by the flush at the end: a command that only
 * prints need not test every printf.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "adze/adze.h"
#include "base/environment.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/interrupt.h"

const struct cli_command *const cli_commands[] = {
#define CLI_COMMAND(name) &cli_command_##name,
#include "cli/commands.def"
#undef CLI_COMMAND
};
const size_t cli_command_count = ARRAY_COUNT(cli_commands);

const struct cli_command *cli_find_command(const char *name) {
  for (size_t i = 0; i < cli_command_count; i++)
    if (string_equal(cli_commands[i]->name, name))
      return cli_commands[i];
  return NULL;
}

struct program {
  int argc;
  char **argv;
  struct arena *arena;
  struct adze_error *error;
  bool nothing_asked; /* no command: help, and exit code 1 */
};

enum adze_status cli_unknown_command(const char *name,
                                     struct adze_error *error) {
  const char *names[ARRAY_COUNT(cli_commands)];
  char near[256];
  for (size_t i = 0; i < cli_command_count; i++)
    names[i] = cli_commands[i]->name;
  string_near(name, names, cli_command_count, near, sizeof near);
  return fail(error, ADZE_INVALID_ARGUMENT, "unknown %s '%s'; %s%s%s",
              name[0] == '-' ? "option" : "command", name,
              near[0] ? "did you mean " : "'adze --help' lists those there are",
              near, near[0] ? "?" : "");
}

/* `adze env` must work, and show a wrong ADZE_THREADS. */
static bool uses_threads(const struct cli_command *command) {
  for (size_t i = 0; i < command->option_count; i++)
    if (string_equal(command->options[i].name, "threads"))
      return true;
  return false;
}

static enum adze_status run_command(struct program *program,
                                    const struct cli_command *command) {
  const char *base = strrchr(program->argv[0], '/');
  struct cli cli = {
      .arena = program->arena,
      .tvmc = string_equal(base ? base + 1 : program->argv[0], "tvmc"),
      .command = command};
  void *arguments = arena_alloc(program->arena, command->arguments_bytes);
  bool help;
  TRY(cli_parse(&cli, program->argc - 2, program->argv + 2, arguments, &help,
                program->error));
  if (help) {
    cli_help_command(stdout, command);
    return ADZE_OK;
  }
  if (uses_threads(command))
    TRY(environment_check(program->error));
  interrupt_watch();
  return command->run(&cli, arguments, program->error);
}

static enum adze_status run_program(void *argument) {
  struct program *program = argument;
  const char *word = program->argc > 1 ? program->argv[1] : NULL;
  if (!word || string_equal(word, "-h") || string_equal(word, "--help")) {
    program->nothing_asked = !word;
    cli_help(stdout);
    return ADZE_OK;
  }
  if (string_equal(word, "--version")) {
    printf("adze %s\n", adze_version());
    return ADZE_OK;
  }
  const struct cli_command *command = cli_find_command(word);
  return command ? run_command(program, command)
                 : cli_unknown_command(word, program->error);
}

int cli_main(int argc, char **argv) {
  struct adze_error error = {0};
  struct program program = {.argc = argc,
                            .argv = argv,
                            .arena = arena_create("program"),
                            .error = &error};
  if (argc < 1 || !program.arena) {
    fputs("adze: memory ran out\n", stderr);
    return adze_status_exit_code(ADZE_OUT_OF_MEMORY);
  }
  signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is an error of write */
  enum adze_status status = guard_run(run_program, &program, &error);
  errno = 0;
  if ((fflush(stdout) || ferror(stdout)) && status == ADZE_OK)
    status = fail(&error, ADZE_IO, "writing the output failed%s%s",
                  errno ? ": " : "", errno ? strerror(errno) : "");
  if (status && error.message[0])
    fprintf(stderr, "adze: %s\n", error.message);
  arena_destroy(program.arena);
  return program.nothing_asked && !status ? 1 : adze_status_exit_code(status);
}
