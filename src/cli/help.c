/* SPDX-License-Identifier: Apache-2.0 */
/* Help for people, as text and as docs/COMMANDS.md, both from the tables of
 * options; and the command `help`.
 *
 * Text is set in 80 columns with the descriptions at a fixed column, as most
 * command lines do, since that is what the eye expects when it scans for a
 * name on the left.
 */
#include <string.h>

#include "adze/adze.h"
#include "base/text.h"
#include "cli/cli.h"

enum { HELP_WIDTH = 80, HELP_COLUMN = 28 };

/* Prints words from column `column` on, breaking before HELP_WIDTH; following
 * lines are indented by `indent`. Ends the line. */
static void print_wrapped(FILE *out, const char *text, int column, int indent) {
  bool first = true;
  while (*text) {
    int length = (int)strcspn(text, " ");
    if (!first && column + 1 + length > HELP_WIDTH) {
      fprintf(out, "\n%*s", indent, "");
      column = indent;
      first = true;
    }
    fprintf(out, "%s%.*s", first ? "" : " ", length, text);
    column += length + !first;
    first = false;
    text += length;
    text += strspn(text, " ");
  }
  fputc('\n', out);
}

static void dashed_name(const char *name, char *out, size_t bytes) {
  snprintf(out, bytes, "%s", name);
  for (char *at = out; *at; at++)
    if (*at == '_')
      *at = '-';
}

/* "-o, --output FILE" */
static void option_heading(const struct cli_option *option, char *out,
                           size_t bytes) {
  char name[64];
  char letter[8] = "";
  dashed_name(option->name, name, sizeof name);
  if (option->letter)
    snprintf(letter, sizeof letter, "-%c, ", option->letter);
  snprintf(out, bytes, "%s--%s%s%s", letter, name, option->value ? " " : "",
           option->value ? option->value : "");
}

/* What it means; in a table the default has a column of its own. */
static void option_text(const struct cli_option *option, bool in_table,
                        char *out, size_t bytes) {
  size_t used = (size_t)snprintf(out, bytes, "%s", option->help);
  for (size_t i = 0; option->names && option->names(i) && used < bytes; i++)
    used += (size_t)snprintf(out + used, bytes - used, "%s%s", i ? ", " : ": ",
                             option->names(i));
  if (used >= bytes)
    return;
  if (option->standard && !in_table)
    snprintf(out + used, bytes - used, " (default: %s)", option->standard);
  else if (option->kind == CLI_LIST)
    snprintf(out + used, bytes - used, " (may be repeated)");
}

static void print_option(FILE *out, const char *heading, const char *text) {
  int column = fprintf(out, "  %s", heading);
  if (column + 2 > HELP_COLUMN) {
    fputc('\n', out);
    column = 0;
  }
  fprintf(out, "%*s", HELP_COLUMN - column, "");
  print_wrapped(out, text, HELP_COLUMN, HELP_COLUMN);
}

static void print_usage(FILE *out, const struct cli_command *command) {
  fprintf(out, "adze %s [options]%s%s\n", command->name,
          command->positional[0] ? " " : "", command->positional);
}

void cli_help_command(FILE *out, const struct cli_command *command) {
  const char *group = "";
  char heading[160], text[512];
  fputs("Usage: ", out);
  print_usage(out, command);
  fputc('\n', out);
  print_wrapped(out, command->description, 0, 0);
  for (size_t i = 0; i < command->option_count; i++) {
    const struct cli_option *option = &command->options[i];
    if (!string_equal(group, option->group))
      fprintf(out, "\n%s:\n", group = option->group);
    option_heading(option, heading, sizeof heading);
    option_text(option, false, text, sizeof text);
    print_option(out, heading, text);
  }
  fputs("\nHelp:\n", out);
  print_option(out, "-h, --help", "print this and exit");
  fputs("\nExamples:\n", out);
  for (const char *line = command->examples; *line;) {
    int length = (int)strcspn(line, "\n");
    fprintf(out, "  %.*s\n", length, line);
    line += length + 1;
  }
}

void cli_help(FILE *out) {
  fputs("Usage: adze COMMAND [options] ...\n\n", out);
  print_wrapped(out,
                "adze compiles trained neural networks to small packages for "
                "one machine, and runs them.",
                0, 0);
  fputs("\nCommands:\n", out);
  for (size_t i = 0; i < cli_command_count; i++)
    print_option(out, cli_commands[i]->name, cli_commands[i]->summary);
  fputs("\nOptions:\n", out);
  print_option(out, "-h, --help", "print this and exit");
  print_option(out, "--version", "print the version and exit");
  fputs("\n'adze COMMAND --help' explains a command and its options.\n"
        "Option names may be cut short while they stay unique, and written "
        "with\nunderscores.\n\nExit codes:\n",
        out);
#define X(name, code, text) fprintf(out, "  %2d  %s\n", code, text);
  ADZE_STATUS_LIST(X)
#undef X
  fputs("Without a command, adze prints this and exits with 1, as TVMC does.\n",
        out);
}

/* A cell of a markdown table: '|' would end it. */
static void print_cell(FILE *out, const char *text) {
  for (; *text; text++) {
    if (*text == '|')
      fputc('\\', out);
    fputc(*text, out);
  }
}

static void markdown_command(FILE *out, const struct cli_command *command) {
  const char *group = "";
  char heading[160], text[512];
  fprintf(out, "\n## adze %s\n\n%s\n\n    ", command->name,
          command->description);
  print_usage(out, command);
  for (size_t i = 0; i < command->option_count; i++) {
    const struct cli_option *option = &command->options[i];
    if (!string_equal(group, option->group)) {
      group = option->group;
      fprintf(out, "\n| %s | default | meaning |\n|---|---|---|\n", group);
    }
    option_heading(option, heading, sizeof heading);
    option_text(option, true, text, sizeof text);
    fputs("| `", out);
    print_cell(out, heading);
    fputs("` | ", out);
    print_cell(out, option->standard ? option->standard : "");
    fputs(" | ", out);
    print_cell(out, text);
    fputs(" |\n", out);
  }
  fputs("\nExamples:\n\n", out);
  for (const char *line = command->examples; *line;) {
    int length = (int)strcspn(line, "\n");
    fprintf(out, "    %.*s\n", length, line);
    line += length + 1;
  }
}

void cli_help_markdown(FILE *out) {
  fputs("# Commands\n\nGenerated by `adze help --markdown` from the tables of "
        "options; a test compares.\nOption names may be cut short while they "
        "stay unique, and written with\nunderscores; `--name value` and "
        "`--name=value` are the same.\n\n| exit code | meaning |\n|---|---|\n",
        out);
#define X(name, code, text) fprintf(out, "| %d | %s |\n", code, text);
  ADZE_STATUS_LIST(X)
#undef X
  for (size_t i = 0; i < cli_command_count; i++)
    markdown_command(out, cli_commands[i]);
}

struct help_arguments {
  bool markdown;
};

static const struct cli_option help_options[] = {
    {CLI_FIELD(struct help_arguments, markdown), 0, CLI_FLAG, NULL, NULL,
     "Output", "print docs/COMMANDS.md: every command, as Markdown"},
};

static enum adze_status help_run(struct cli *cli, void *arguments,
                                 struct adze_error *error) {
  const struct help_arguments *options = arguments;
  if (options->markdown) {
    cli_help_markdown(stdout);
    return ADZE_OK;
  }
  if (!cli->positional_count) {
    cli_help(stdout);
    return ADZE_OK;
  }
  const struct cli_command *command = cli_find_command(cli->positional[0]);
  if (!command)
    return cli_unknown_command(cli->positional[0], error);
  cli_help_command(stdout, command);
  return ADZE_OK;
}

const struct cli_command cli_command_help = {
    .name = "help",
    .positional = "[COMMAND]",
    .maximum = 1,
    .summary = "explain the program or a command",
    .description = "Prints what `adze --help`, or `adze COMMAND --help`, "
                   "prints.",
    .examples = "adze help compile\n",
    .options = help_options,
    .option_count = ARRAY_COUNT(help_options),
    .arguments_bytes = sizeof(struct help_arguments),
    .run = help_run,
};
