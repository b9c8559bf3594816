/* SPDX-License-Identifier: Apache-2.0 */
/* adze env: all that a report of a fault should hold. */
#include <stdlib.h>
#include <string.h>

#include "adze/adze.h"
#include "cli/cli.h"
#include "cli/json.h"

struct env_arguments {
  bool json;
};

static const struct cli_option env_options[] = {
    {CLI_FIELD(struct env_arguments, json), 0, CLI_FLAG, NULL, NULL, "Output",
     "print JSON"},
};

/* The machine's lines, in the arena. */
static const char *machine_text(struct arena *arena) {
  char *text = arena_alloc(arena, 1);
  size_t size = adze_machine_text(text, 1);
  text = arena_alloc(arena, size + 1);
  adze_machine_text(text, size + 1);
  return text;
}

static void print_text(struct arena *arena) {
  printf("adze %s\n\nLibraries:\n", adze_version());
  for (size_t i = 0; i < adze_library_count(); i++) {
    struct adze_library_info info;
    adze_library(i, &info);
    printf("  %-12s %-12s %s\n", info.name,
           info.found ? info.version : "absent", info.use);
  }
  printf("\nThis machine:\n");
  for (const char *line = machine_text(arena); *line;) {
    int length = (int)strcspn(line, "\n");
    printf("  %.*s\n", length, line);
    line += length + (line[length] == '\n');
  }
  printf("\nEnvironment variables:\n");
  for (size_t i = 0; i < adze_environment_count(); i++) {
    const char *name, *syntax, *meaning, *value;
    adze_environment(i, &name, &syntax, &meaning, &value);
    printf("  %s=%s\n      %s%s%s\n", name, syntax, meaning,
           value ? "; now: " : "", value ? value : "");
  }
}

static enum adze_status env_run(struct cli *cli, void *data,
                                struct adze_error *error) {
  const struct env_arguments *arguments = data;
  if (arguments->json)
    return json_env(cli->arena, machine_text(cli->arena), error);
  print_text(cli->arena);
  return ADZE_OK;
}

const struct cli_command cli_command_env = {
    .name = "env",
    .positional = "",
    .summary = "print version, libraries, machine and environment variables",
    .description =
        "Prints the version, the libraries that adze was built with, this "
        "machine as the compiler sees it, and the environment variables that "
        "adze reads. Put it into reports of faults.",
    .examples = "adze env\n"
                "adze env --json\n",
    .options = env_options,
    .option_count = ARRAY_COUNT(env_options),
    .arguments_bytes = sizeof(struct env_arguments),
    .run = env_run,
};
