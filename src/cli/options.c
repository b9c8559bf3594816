/* SPDX-License-Identifier: Apache-2.0 */
/* Turns argv into a command's arguments, by its table of options.
 *
 * The rules are those of Python's argparse, which TVMC's users know: options
 * and positional arguments in any order, unique prefixes of long names, values
 * attached or as the next word. A next word that looks like an option is never
 * taken as a value (so `--output --verbose` is an error, not a file), unless it
 * is a number.
 */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

struct parser {
  struct cli *cli;
  int argc, next;
  char *const *argv;
  char *arguments;
  bool *given;
  const char **positional;
  struct adze_error *error;
};

static bool same_letter(char a, char b) {
  return a == b || (a == '-' && b == '_') || (a == '_' && b == '-');
}

/* Whether `name` starts with the `size` letters of `typed`. */
static bool name_starts(const char *name, const char *typed, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (!name[i] || !same_letter(typed[i], name[i]))
      return false;
  return true;
}

/* "input_shapes" as people read it: "--input-shapes". */
static const char *dashed(struct arena *arena, const char *name) {
  char *text = arena_printf(arena, "--%s", name);
  for (char *at = text; *at; at++)
    if (*at == '_')
      *at = '-';
  return text;
}

static enum adze_status option_fail(struct parser *parser, const char *text) {
  return fail(parser->error, ADZE_INVALID_ARGUMENT, "%s: %s",
              parser->cli->command->name, text);
}

static enum adze_status unknown_option(struct parser *parser, const char *typed,
                                       size_t size) {
  const struct cli_command *command = parser->cli->command;
  struct arena *arena = parser->cli->arena;
  const char **names =
      ARENA_ARRAY(arena, const char *, command->option_count + 1);
  for (size_t i = 0; i < command->option_count; i++)
    names[i] = dashed(arena, command->options[i].name);
  names[command->option_count] = "--help";
  char near[256];
  const char *wrong = arena_printf(arena, "--%.*s", (int)size, typed);
  string_near(wrong, names, command->option_count + 1, near, sizeof near);
  return option_fail(
      parser, near[0]
                  ? arena_printf(arena, "unknown option '%s'; did you mean %s?",
                                 wrong, near)
                  : arena_printf(arena,
                                 "unknown option '%s'; 'adze %s --help' "
                                 "lists those there are",
                                 wrong, command->name));
}

/* The option a long name stands for: itself or a unique prefix. *out is NULL
 * for "help". */
static enum adze_status find_long(struct parser *parser, const char *typed,
                                  size_t size, const struct cli_option **out) {
  const struct cli_command *command = parser->cli->command;
  struct arena *arena = parser->cli->arena;
  const char *matches = NULL;
  size_t match_count = 0;
  *out = NULL;
  for (size_t i = 0; i <= command->option_count; i++) {
    const struct cli_option *option =
        i < command->option_count ? &command->options[i] : NULL;
    const char *name = option ? option->name : "help";
    if (!name_starts(name, typed, size))
      continue;
    *out = option;
    if (strlen(name) == size)
      return ADZE_OK;
    matches = matches
                  ? arena_printf(arena, "%s, %s", matches, dashed(arena, name))
                  : dashed(arena, name);
    match_count++;
  }
  if (match_count == 0)
    return unknown_option(parser, typed, size);
  if (match_count == 1)
    return ADZE_OK;
  return option_fail(parser, arena_printf(arena, "option '--%.*s' could be %s",
                                          (int)size, typed, matches));
}

static enum adze_status find_short(struct parser *parser, char letter,
                                   const struct cli_option **out) {
  const struct cli_command *command = parser->cli->command;
  for (size_t i = 0; i < command->option_count; i++) {
    if (command->options[i].letter == letter) {
      *out = &command->options[i];
      return ADZE_OK;
    }
  }
  return option_fail(parser, arena_printf(parser->cli->arena,
                                          "unknown option '-%c'; 'adze %s "
                                          "--help' lists those there are",
                                          letter, command->name));
}

static enum adze_status bad_value(struct cli *cli,
                                  const struct cli_option *option,
                                  const char *text, const char *expected,
                                  struct adze_error *error) {
  return fail(error, ADZE_INVALID_ARGUMENT, "%s: option %s: '%s' is not %s",
              cli->command->name, dashed(cli->arena, option->name), text,
              expected);
}

static enum adze_status set_int(struct cli *cli,
                                const struct cli_option *option,
                                const char *text, int *out,
                                struct adze_error *error) {
  int64_t low = (int64_t)option->minimum, high = (int64_t)option->maximum;
  int64_t value;
  if (low == 0 && high == 0)
    high = INT_MAX;
  if (!string_to_int64(text, &value) || value < low || value > high) {
    const char *expected =
        high == INT_MAX
            ? arena_printf(cli->arena, "a whole number of at least %lld",
                           (long long)low)
            : arena_printf(cli->arena, "a whole number from %lld to %lld",
                           (long long)low, (long long)high);
    return bad_value(cli, option, text, expected, error);
  }
  *out = (int)value;
  return ADZE_OK;
}

static enum adze_status set_real(struct cli *cli,
                                 const struct cli_option *option,
                                 const char *text, double *out,
                                 struct adze_error *error) {
  bool bounded = option->minimum < option->maximum;
  double value;
  if (!string_to_double(text, &value) || !isfinite(value))
    return bad_value(cli, option, text, "a number", error);
  if (bounded && (value < option->minimum || value > option->maximum))
    return bad_value(cli, option, text,
                     arena_printf(cli->arena, "a number from %g to %g",
                                  option->minimum, option->maximum),
                     error);
  *out = value;
  return ADZE_OK;
}

/* The words of "zeros|ones|random"; an exact word, or a unique prefix. */
static enum adze_status set_choice(struct cli *cli,
                                   const struct cli_option *option,
                                   const char *text, int *out,
                                   struct adze_error *error) {
  size_t size = strlen(text);
  int found = -1, matches = 0, index = 0;
  for (const char *word = option->value; word; index++) {
    size_t length = strcspn(word, "|");
    if (size && size <= length && name_starts(word, text, size)) {
      found = index;
      matches++;
      if (size == length) {
        matches = 1;
        break;
      }
    }
    word = word[length] ? word + length + 1 : NULL;
  }
  if (matches != 1)
    return bad_value(cli, option, text,
                     arena_printf(cli->arena, "one of %s", option->value),
                     error);
  *out = found;
  return ADZE_OK;
}

static void list_add(struct arena *arena, struct cli_list *list,
                     const char *text) {
  const char **items = ARENA_ARRAY(arena, const char *, list->count + 1);
  if (list->count)
    memcpy(items, list->items, list->count * sizeof *items);
  items[list->count++] = text;
  list->items = items;
}

static enum adze_status set_value(struct cli *cli, char *arguments,
                                  const struct cli_option *option,
                                  const char *text, struct adze_error *error) {
  void *field = arguments + option->offset;
  switch (option->kind) {
  case CLI_FLAG:
    *(bool *)field = true;
    return ADZE_OK;
  case CLI_TEXT:
    *(const char **)field = text;
    return ADZE_OK;
  case CLI_INT:
    return set_int(cli, option, text, field, error);
  case CLI_REAL:
    return set_real(cli, option, text, field, error);
  case CLI_CHOICE:
    return set_choice(cli, option, text, field, error);
  case CLI_LIST:
    list_add(cli->arena, field, text);
    return ADZE_OK;
  }
  unreachable();
}

/* A word that can't be the value of the option before it. */
static bool looks_like_option(const char *word) {
  double number;
  return word[0] == '-' && word[1] != '\0' && !string_to_double(word, &number);
}

/* Sets an option from `attached` ("x" of --name=x), or from the next word. */
static enum adze_status take_value(struct parser *parser,
                                   const struct cli_option *option,
                                   const char *attached) {
  struct arena *arena = parser->cli->arena;
  const char *name = dashed(arena, option->name);
  parser->given[option - parser->cli->command->options] = true;
  if (option->kind == CLI_FLAG && attached)
    return option_fail(parser,
                       arena_printf(arena, "option %s takes no value", name));
  if (option->kind != CLI_FLAG && !attached) {
    if (parser->next == parser->argc ||
        looks_like_option(parser->argv[parser->next]))
      return option_fail(parser,
                         arena_printf(arena, "option %s needs a value %s", name,
                                      option->value));
    attached = parser->argv[parser->next++];
  }
  return set_value(parser->cli, parser->arguments, option, attached,
                   parser->error);
}

static enum adze_status parse_long(struct parser *parser, const char *word,
                                   bool *help) {
  size_t size = strcspn(word, "=");
  const struct cli_option *option;
  TRY(find_long(parser, word, size, &option));
  if (!option) {
    *help = true;
    return ADZE_OK;
  }
  return take_value(parser, option, word[size] ? word + size + 1 : NULL);
}

/* -o FILE, -oFILE, -o=FILE, and several flags in one word. */
static enum adze_status parse_short(struct parser *parser, const char *word,
                                    bool *help) {
  for (; *word; word++) {
    const struct cli_option *option = NULL;
    if (*word == 'h') {
      *help = true;
      return ADZE_OK;
    }
    TRY(find_short(parser, *word, &option));
    if (option->kind != CLI_FLAG) {
      const char *rest = word + 1 + (word[1] == '=');
      return take_value(parser, option, *rest ? rest : NULL);
    }
    TRY(take_value(parser, option, NULL));
  }
  return ADZE_OK;
}

static enum adze_status check_positional(const struct cli *cli,
                                         struct adze_error *error) {
  const struct cli_command *command = cli->command;
  if (cli->positional_count < command->minimum)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "%s: %s is missing; usage: adze %s [options] %s", command->name,
                command->positional, command->name, command->positional);
  if (cli->positional_count > command->maximum)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "%s: unexpected argument '%s'; usage: adze %s [options] %s",
                command->name, cli->positional[command->maximum], command->name,
                command->positional);
  return ADZE_OK;
}

static enum adze_status set_defaults(struct cli *cli, char *arguments,
                                     struct adze_error *error) {
  const struct cli_command *command = cli->command;
  for (size_t i = 0; i < command->option_count; i++)
    if (command->options[i].standard)
      TRY(set_value(cli, arguments, &command->options[i],
                    command->options[i].standard, error));
  return ADZE_OK;
}

enum adze_status cli_parse(struct cli *cli, int argc, char *const *argv,
                           void *arguments, bool *help,
                           struct adze_error *error) {
  struct parser parser = {
      .cli = cli,
      .argc = argc,
      .argv = argv,
      .arguments = arguments,
      .given = ARENA_ARRAY(cli->arena, bool, cli->command->option_count + 1),
      .positional = ARENA_ARRAY(cli->arena, const char *, (size_t)argc + 1),
      .error = error};
  bool options_end = false;
  *help = false;
  cli->positional_count = 0;
  cli->positional = parser.positional;
  cli->given = parser.given;
  TRY(set_defaults(cli, arguments, error));
  while (parser.next < argc && !*help) {
    const char *word = argv[parser.next++];
    if (options_end || word[0] != '-' || word[1] == '\0')
      parser.positional[cli->positional_count++] = word;
    else if (string_equal(word, "--"))
      options_end = true;
    else if (word[1] == '-')
      TRY(parse_long(&parser, word + 2, help));
    else
      TRY(parse_short(&parser, word + 1, help));
  }
  return *help ? ADZE_OK : check_positional(cli, error);
}

bool cli_given(const struct cli *cli, const char *name) {
  for (size_t i = 0; i < cli->command->option_count; i++)
    if (string_equal(cli->command->options[i].name, name))
      return cli->given[i];
  unreachable();
}
