/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of the program: what a command is, and one table of options per
 * command, which feeds parsing, `--help` and docs/COMMANDS.md.
 *
 * A new command is a row in commands.def and a file that defines
 *
 *   struct greet_arguments {
 *     const char *name;
 *     bool loud;
 *     int times;
 *   };
 *   static const struct cli_option greet_options[] = {
 *       {CLI_FIELD(struct greet_arguments, name), 'n', CLI_TEXT, "NAME",
 *        "world", "Greeting", "whom to greet"},
 *       {CLI_FIELD(struct greet_arguments, loud), 0, CLI_FLAG, NULL, NULL,
 *        "Greeting", "shout"},
 *       {CLI_FIELD(struct greet_arguments, times), 0, CLI_INT, "N", "1",
 *        "Greeting", "how often", .minimum = 1, .maximum = 100},
 *   };
 *   static enum adze_status greet_run(struct cli *cli, void *arguments,
 *                                     struct adze_error *error) { … }
 *   const struct cli_command cli_command_greet = {…};
 *
 * An option is named like its field, with dashes for underscores; users may
 * write either, cut names short while they are unique, and write `--name=x`,
 * `--name x`, `-n x` or `-nx`. `--` ends options.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include "base/arena.h"

enum cli_kind {
  CLI_FLAG,   /* bool; no value */
  CLI_TEXT,   /* const char *; NULL when not given and without default */
  CLI_INT,    /* int in [minimum, maximum]; both 0: [0, INT_MAX] */
  CLI_REAL,   /* double in [minimum, maximum]; both 0: any finite number */
  CLI_CHOICE, /* int: the index of the word in `value`, "zeros|ones|random" */
  CLI_LIST    /* struct cli_list; each use adds one */
};

struct cli_list {
  const char *const *items;
  size_t count;
};

struct cli_option {
  const char *name; /* with underscores */
  size_t offset;    /* of the field in the command's arguments */
  char letter;      /* short name; 0: none */
  enum cli_kind kind;
  const char *value;    /* "FILE" in help; the words of a choice */
  const char *standard; /* the default as a user would type it, or NULL */
  const char *group;    /* heading in help; rows of a group are adjacent */
  const char *help;     /* without capital and full stop */
  double minimum, maximum;
  /* Names that the value can be, for help; NULL after the last. */
  const char *(*names)(size_t index);
};
/* Help of --no-winograd, which several commands have. */
#define CLI_NO_WINOGRAD                                                        \
  "no convolution by Winograd's or Strassen's algorithm, which are used "      \
  "where that is quicker: up to twice as fast, errors up to 1e-4 of the "      \
  "largest value"
/* Help of --flush-denormals, which several commands have. */
#define CLI_FLUSH_DENORMALS                                                    \
  "count denormal numbers (below 1.2e-38) as zero, which is quicker where a "  \
  "network's numbers fade away into them"
/* Help of --copy-weights, which several commands have. */
#define CLI_COPY_WEIGHTS                                                       \
  "copy weights into huge pages instead of mapping the package: about a "      \
  "percent quicker to run, but not shared between processes"
#define CLI_FIELD(type, field) .name = #field, .offset = offsetof(type, field)

struct cli;
struct cli_command {
  const char *name;
  const char *positional;  /* "MODEL|PACKAGE", "MODEL...", "" */
  size_t minimum, maximum; /* how many of them; SIZE_MAX: any number */
  const char *summary;     /* one line for the list of commands */
  const char *description; /* a paragraph */
  const char *examples;    /* lines, each ending in a newline */
  const struct cli_option *options;
  size_t option_count;
  size_t arguments_bytes;
  enum adze_status (*run)(struct cli *cli, void *arguments,
                          struct adze_error *error);
};

/* One run of the program. */
struct cli {
  struct arena *arena; /* lives as long as the program */
  bool tvmc;           /* called as `tvmc`: keep its defaults */
  const struct cli_command *command;
  const char *const *positional;
  size_t positional_count;
  const bool *given; /* [option_count]: typed, rather than a default */
};

#define CLI_COMMAND(name) extern const struct cli_command cli_command_##name;
#include "cli/commands.def"
#undef CLI_COMMAND
extern const struct cli_command *const cli_commands[];
extern const size_t cli_command_count;
/* NULL when there is none of this name. */
const struct cli_command *cli_find_command(const char *name);

/* ---- options.c ----------------------------------------------------------- */
/* Fills `arguments` (zeroed, arguments_bytes) with defaults and what argv says,
 * and cli->positional. *help is set, and nothing else checked, when -h or
 * --help stands among them. INVALID_ARGUMENT otherwise. */
enum adze_status cli_parse(struct cli *cli, int argc, char *const *argv,
                           void *arguments, bool *help,
                           struct adze_error *error) ADZE_MUST_USE;
/* Whether the user typed this option; `name` as in the table. */
bool cli_given(const struct cli *cli, const char *name);

/* ---- help.c -------------------------------------------------------------- */
/* The program's help: commands, exit codes. */
void cli_help(FILE *out);
void cli_help_command(FILE *out, const struct cli_command *command);
/* All commands as docs/COMMANDS.md. */
void cli_help_markdown(FILE *out);

/* ---- program.c ----------------------------------------------------------- */
/* Fails, with the names that are near. */
enum adze_status cli_unknown_command(const char *name,
                                     struct adze_error *error) ADZE_MUST_USE;
/* The whole program; returns the exit code. */
int cli_main(int argc, char **argv);

#endif
