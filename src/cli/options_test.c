/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing of options: every kind, every way of writing them, every mistake. */
#include "test.h"

#include "cli/cli.h"

struct some_arguments {
  const char *output, *output_format_name;
  int number, mode;
  double level;
  bool loud, very_loud;
  struct cli_list property;
};
#define FIELD(name) CLI_FIELD(struct some_arguments, name)
static const struct cli_option some_options[] = {
    {FIELD(output), 'o', CLI_TEXT, "FILE", "out.tar", "A", "where"},
    {FIELD(output_format_name), 'f', CLI_TEXT, "NAME", NULL, "A", "how"},
    {FIELD(number), 'n', CLI_INT, "N", "3", "A", "how many", .minimum = 1,
     .maximum = 100},
    {FIELD(level), 0, CLI_REAL, "X", "0.5", "B", "level", .minimum = -2,
     .maximum = 2},
    {FIELD(mode), 0, CLI_CHOICE, "zeros|ones|one-hot", "ones", "B", "mode"},
    {FIELD(loud), 'l', CLI_FLAG, NULL, NULL, "B", "shout"},
    {FIELD(very_loud), 'V', CLI_FLAG, NULL, NULL, "B", "shout more"},
    {FIELD(property), 'p', CLI_LIST, "N=V", NULL, "B", "facts"},
};
static const struct cli_command some_command = {
    .name = "some",
    .positional = "FILE...",
    .minimum = 0,
    .maximum = 3,
    .options = some_options,
    .option_count = ARRAY_COUNT(some_options),
    .arguments_bytes = sizeof(struct some_arguments),
};

static struct arena *arena;
static struct cli cli;
static struct some_arguments arguments;
static struct adze_error error;
static bool help;

/* Parses words separated by blanks. */
static enum adze_status parse(const char *line) {
  char *words[32];
  int count = 0;
  for (char *word = strtok(arena_strdup(arena, line), " "); word;
       word = strtok(NULL, " "))
    words[count++] = word;
  cli = (struct cli){.arena = arena, .command = &some_command};
  arguments = (struct some_arguments){0};
  return cli_parse(&cli, count, words, &arguments, &help, &error);
}

static void sets_defaults(void **state) {
  (void)state;
  assert_ok(parse(""), error);
  assert_string_equal(arguments.output, "out.tar");
  assert_null(arguments.output_format_name);
  assert_int_equal(arguments.number, 3);
  assert_true(arguments.level == 0.5);
  assert_int_equal(arguments.mode, 1);
  assert_false(arguments.loud);
  assert_int_equal(arguments.property.count, 0);
  assert_int_equal(cli.positional_count, 0);
  assert_false(cli_given(&cli, "output"));
}

static void reads_every_spelling(void **state) {
  static const char *const lines[] = {
      "--output x", "--output=x", "-o x", "-ox", "-o=x", "--output  x",
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
    assert_ok(parse(lines[i]), error);
    assert_string_equal(arguments.output, "x");
    assert_true(cli_given(&cli, "output"));
  }
  assert_ok(parse("--output_format_name=a=b"), error);
  assert_string_equal(arguments.output_format_name, "a=b");
  assert_ok(parse("--output="), error);
  assert_string_equal(arguments.output, "");
  assert_ok(parse("-o -"), error);
  assert_string_equal(arguments.output, "-");
}

static void reads_prefixes(void **state) {
  (void)state;
  assert_ok(parse("--num 7 --le=-1.5 --mo zer --output-f y"), error);
  assert_int_equal(arguments.number, 7);
  assert_true(arguments.level == -1.5);
  assert_int_equal(arguments.mode, 0);
  assert_string_equal(arguments.output_format_name, "y");
  assert_ok(parse("--output_f y --output z"), error); /* exact beats prefix */
  assert_string_equal(arguments.output, "z");
  assert_fails(parse("--outp x"), error, ADZE_INVALID_ARGUMENT,
               "could be --output, --output-format-name");
  assert_fails(parse("--mode one"), error, ADZE_INVALID_ARGUMENT,
               "'one' is not one of zeros|ones|one-hot");
  assert_ok(parse("--mode one_h"), error);
  assert_int_equal(arguments.mode, 2);
}

static void mixes_positional_words(void **state) {
  (void)state;
  assert_ok(parse("a -l b --number 9 c"), error);
  assert_int_equal(cli.positional_count, 3);
  assert_string_equal(cli.positional[1], "b");
  assert_int_equal(arguments.number, 9);
  assert_ok(parse("-l -- -n --output"), error);
  assert_int_equal(cli.positional_count, 2);
  assert_string_equal(cli.positional[1], "--output");
  assert_ok(parse("-"), error);
  assert_string_equal(cli.positional[0], "-");
  assert_fails(parse("a b c d"), error, ADZE_INVALID_ARGUMENT,
               "unexpected argument 'd'");
}

static void joins_flags_and_lists(void **state) {
  (void)state;
  assert_ok(parse("-lVn 5 -p a=1 -pb=2 --property=c=3"), error);
  assert_true(arguments.loud && arguments.very_loud);
  assert_int_equal(arguments.number, 5);
  assert_int_equal(arguments.property.count, 3);
  assert_string_equal(arguments.property.items[0], "a=1");
  assert_string_equal(arguments.property.items[1], "b=2");
  assert_string_equal(arguments.property.items[2], "c=3");
  assert_ok(parse("--number 4 --number 5"), error); /* the last one counts */
  assert_int_equal(arguments.number, 5);
}

static void finds_help(void **state) {
  (void)state;
  assert_ok(parse("-h --nonsense"), error);
  assert_true(help);
  assert_ok(parse("--he"), error);
  assert_true(help);
  assert_ok(parse("-lh"), error);
  assert_true(help);
  assert_ok(parse("-- -h"), error);
  assert_false(help);
}

static void explains_mistakes(void **state) {
  static const struct {
    const char *line, *message;
  } rows[] = {
      {"--ouptut x", "some: unknown option '--ouptut'; did you mean --output"},
      {"--zzzzzzzzzz", "unknown option '--zzzzzzzzzz'; 'adze some --help'"},
      {"-x", "unknown option '-x'"},
      {"--output", "option --output needs a value FILE"},
      {"--output --loud", "option --output needs a value FILE"},
      {"--loud=1", "option --loud takes no value"},
      {"--number 0", "option --number: '0' is not a whole number from 1 to 1"},
      {"--number 101", "'101' is not a whole number"},
      {"--number 99999999999999999999", "is not a whole number"},
      {"--number 3x", "'3x' is not a whole number"},
      {"--number 1.5", "'1.5' is not a whole number"},
      {"--level 3", "'3' is not a number from -2 to 2"},
      {"--level nan", "'nan' is not a number"},
      {"--level inf", "'inf' is not a number"},
      {"--level x", "'x' is not a number"},
      {"--mode twos", "'twos' is not one of"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
    assert_fails(parse(rows[i].line), error, ADZE_INVALID_ARGUMENT,
                 rows[i].message);
}

static int make_arena(void **state) {
  (void)state;
  arena = arena_create("test");
  return arena ? 0 : -1;
}

static int drop_arena(void **state) {
  (void)state;
  arena_destroy(arena);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sets_defaults),
      cmocka_unit_test(reads_every_spelling),
      cmocka_unit_test(reads_prefixes),
      cmocka_unit_test(mixes_positional_words),
      cmocka_unit_test(joins_flags_and_lists),
      cmocka_unit_test(finds_help),
      cmocka_unit_test(explains_mistakes),
  };
  return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
