/* SPDX-License-Identifier: Apache-2.0 */
/* adze compile: a model file to a package, or to files for a linker. */
#include <string.h>
#include <sys/stat.h>

#include "adze/adze.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/progress.h"

struct compile_arguments {
  const char *output, *module_name, *dump_code;
  int output_format;
  const char *target, *target_llvm_mcpu, *target_llvm_mattr;
  const char *target_llvm_mtriple;
  const char *input_shapes, *shape_hint;
  const char *mean_values, *scale_values;
  bool reverse_input_channels, no_winograd, print_pass_times, verbose;
  struct cli_list property;
  int threads;
};

#define FIELD(name) CLI_FIELD(struct compile_arguments, name)
static const struct cli_option compile_options[] = {
    {FIELD(output), 'o', CLI_TEXT, "FILE", NULL, "Output",
     "what to write (default: module.tar, or NAME.o, libNAME.a or NAME.c)"},
    {FIELD(output_format), 'f', CLI_CHOICE, "so|obj|static|c", "so", "Output",
     "a package with a shared library; an object file; a static library; or C "
     "source; the last three come with NAME.h and need no runtime"},
    {FIELD(module_name), 0, CLI_TEXT, "NAME", NULL, "Output",
     "what every symbol of an object, library or C source begins with "
     "(default: adze_ and the model's name)"},
    {FIELD(dump_code), 0, CLI_TEXT, "ll,asm,ir,c", NULL, "Output",
     "also write the code in these forms, beside the output"},
    {FIELD(property), 0, CLI_LIST, "NAME=VALUE", NULL, "Output",
     "store a fact in the package, for programs that load it"},
    {FIELD(target), 0, CLI_TEXT, "TARGET", "llvm", "Target",
     "what to make code for: \"llvm\" (this machine), \"llvm -mcpu=znver4\", "
     "\"llvm -mtriple=aarch64-linux-gnu -mcpu=cortex-a72\", \"c\" (the default "
     "for -f c)"},
    {FIELD(target_llvm_mcpu), 0, CLI_TEXT, "CPU", NULL, "Target",
     "as -mcpu=CPU in --target"},
    {FIELD(target_llvm_mattr), 0, CLI_TEXT, "+FEATURE,-FEATURE", NULL, "Target",
     "as -mattr=... in --target"},
    {FIELD(target_llvm_mtriple), 0, CLI_TEXT, "TRIPLE", NULL, "Target",
     "as -mtriple=TRIPLE in --target"},
    {FIELD(no_winograd), 0, CLI_FLAG, NULL, NULL, "Target", CLI_NO_WINOGRAD},
    {FIELD(input_shapes), 0, CLI_TEXT, "SHAPES", NULL, "Input",
     "sizes of inputs, \"image:[1,3,257,257] other:[1,?]\"; a ?, a word or a "
     "number below 1 leaves a dimension open until the model is run"},
    {FIELD(shape_hint), 0, CLI_TEXT, "SHAPES", NULL, "Input",
     "sizes that open dimensions will mostly have, to make the code quick "
     "there"},
    {FIELD(mean_values), 0, CLI_TEXT, "VALUES", NULL, "Input",
     "compile (x - mean) * scale into the inputs: \"123.7,116.3,103.5\" per "
     "channel, or \"name:[123.7,116.3,103.5]\""},
    {FIELD(scale_values), 0, CLI_TEXT, "VALUES", NULL, "Input",
     "the scale, in the same form"},
    {FIELD(reverse_input_channels), 0, CLI_FLAG, NULL, NULL, "Input",
     "reverse the channels first (RGB to BGR)"},
    {FIELD(threads), 0, CLI_INT, "N", "0", "Working",
     "threads that compile; 0: ADZE_THREADS, else every CPU", .maximum = 1024},
    {FIELD(print_pass_times), 0, CLI_FLAG, NULL, NULL, "Working",
     "print the time of each pass on stderr"},
    {FIELD(verbose), 'v', CLI_FLAG, NULL, NULL, "Working",
     "print a line per stage on stderr, also where that is no terminal"},
};
#undef FIELD

/* The words of --dump-code; the compiler takes them from here on. */
static enum adze_status check_dump(const char *text, struct adze_error *error) {
  static const char *const words[] = {"ll", "asm", "ir", "c"};
  for (const char *at = text; at;) {
    size_t size = strcspn(at, ",");
    bool known = false;
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
      known |= strlen(words[i]) == size && !memcmp(words[i], at, size);
    if (!known)
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "compile: option --dump-code: '%.*s' is not one of ll, asm, "
                  "ir, c",
                  (int)size, at);
    at = at[size] ? at + size + 1 : NULL;
  }
  return ADZE_OK;
}

/* --target with what --target-llvm-* add to it; NULL when nothing of it was
 * typed, since what is then best depends on the output's format. */
static const char *target_text(const struct cli *cli,
                               const struct compile_arguments *arguments) {
  struct text text = {.arena = cli->arena};
  if (!cli_given(cli, "target") && !arguments->target_llvm_mtriple &&
      !arguments->target_llvm_mcpu && !arguments->target_llvm_mattr)
    return NULL;
  text_add(&text, arguments->target);
  if (arguments->target_llvm_mtriple)
    text_format(&text, " -mtriple=%s", arguments->target_llvm_mtriple);
  if (arguments->target_llvm_mcpu)
    text_format(&text, " -mcpu=%s", arguments->target_llvm_mcpu);
  if (arguments->target_llvm_mattr)
    text_format(&text, " -mattr=%s", arguments->target_llvm_mattr);
  return text_string(&text);
}

/* NAME=VALUE to the pairs that the compiler wants. */
static enum adze_status split_properties(struct arena *arena,
                                         const struct cli_list *list,
                                         const char *const **out,
                                         struct adze_error *error) {
  const char **pairs = ARENA_ARRAY(arena, const char *, 2 * list->count + 1);
  for (size_t i = 0; i < list->count; i++) {
    const char *equals = strchr(list->items[i], '=');
    if (!equals || equals == list->items[i])
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "compile: option --property: '%s' is not NAME=VALUE",
                  list->items[i]);
    pairs[2 * i] =
        arena_strndup(arena, list->items[i], (size_t)(equals - list->items[i]));
    pairs[2 * i + 1] = equals + 1;
  }
  *out = pairs;
  return ADZE_OK;
}

/* "adze_resnet50" of "models/resnet50-v1.onnx": letters, digits and '_'. */
static const char *default_module(struct arena *arena, const char *model) {
  const char *slash = strrchr(model, '/');
  const char *name = slash ? slash + 1 : model;
  const char *dot = strrchr(name, '.');
  size_t size = dot && dot > name ? (size_t)(dot - name) : strlen(name);
  char *module = arena_printf(arena, "adze_%.*s", (int)size, name);
  for (char *at = module; *at; at++)
    if (!(*at >= 'a' && *at <= 'z') && !(*at >= 'A' && *at <= 'Z') &&
        !(*at >= '0' && *at <= '9'))
      *at = '_';
  return module;
}

static const char *default_output(struct arena *arena,
                                  enum adze_output_format format,
                                  const char *module) {
  switch (format) {
  case ADZE_OUTPUT_SO:
    return "module.tar";
  case ADZE_OUTPUT_OBJ:
    return arena_printf(arena, "%s.o", module);
  case ADZE_OUTPUT_STATIC:
    return arena_printf(arena, "lib%s.a", module);
  case ADZE_OUTPUT_C:
    return arena_printf(arena, "%s.c", module);
  }
  unreachable();
}

/* OUTPUT.ll and so on; check_dump() has seen the words. */
static void print_dumps(const char *output, const char *words) {
  for (const char *at = words; at && *at;) {
    int size = (int)strcspn(at, ",");
    printf("%s.%.*s\n", output, size, at);
    at += size + (at[size] == ',');
  }
}

static void print_result(struct arena *arena, const char *output,
                         int64_t start) {
  struct stat file;
  double seconds = (double)(time_now_ns() - start) * 1e-9;
  if (stat(output, &file))
    file.st_size = 0;
  printf("%s: %s in %.2f s\n", output,
         bytes_text(arena, (uint64_t)file.st_size), seconds);
}

static enum adze_status compile_run(struct cli *cli, void *data,
                                    struct adze_error *error) {
  const struct compile_arguments *arguments = data;
  struct adze_compile_options options;
  struct progress progress;
  const char *model = cli->positional[0];
  const char *slash = strrchr(model, '/');
  int64_t start = time_now_ns();
  adze_compile_options_init(&options);
  TRY(check_dump(arguments->dump_code, error));
  TRY(split_properties(cli->arena, &arguments->property, &options.properties,
                       error));
  options.target = target_text(cli, arguments);
  options.input_shapes = arguments->input_shapes;
  options.shape_hint = arguments->shape_hint;
  options.output_format = (enum adze_output_format)arguments->output_format;
  options.module_name = arguments->module_name;
  if (options.output_format != ADZE_OUTPUT_SO && !options.module_name)
    options.module_name = default_module(cli->arena, model);
  options.mean_values = arguments->mean_values;
  options.scale_values = arguments->scale_values;
  options.reverse_input_channels = arguments->reverse_input_channels;
  options.no_winograd = arguments->no_winograd;
  options.dump_code = arguments->dump_code;
  options.print_pass_times = arguments->print_pass_times;
  options.threads = arguments->threads;
  options.progress = progress_show;
  options.progress_context = &progress;
  const char *output = arguments->output;
  if (!output)
    output =
        default_output(cli->arena, options.output_format, options.module_name);
  progress_begin(&progress, slash ? slash + 1 : model, arguments->verbose);
  enum adze_status status = adze_compile(model, output, &options, error);
  progress_end(&progress);
  TRY(status);
  print_result(cli->arena, output, start);
  print_dumps(output, arguments->dump_code);
  return ADZE_OK;
}

const struct cli_command cli_command_compile = {
    .name = "compile",
    .positional = "MODEL",
    .minimum = 1,
    .maximum = 1,
    .summary = "compile a model file to a package",
    .description =
        "Reads a trained network (ONNX), optimises it for one machine, and "
        "writes a package that `adze run` and the runtime library load, or an "
        "object file, static library or C source that needs no runtime.",
    .examples =
        "adze compile resnet50.onnx -o resnet50.tar\n"
        "adze compile posenet.onnx --input-shapes \"image:[1,3,257,257]\"\n"
        "adze compile net.onnx --target \"llvm -mcpu=cortex-a72\"\n"
        "adze compile net.onnx -f static --module-name net -o libnet.a\n",
    .options = compile_options,
    .option_count = ARRAY_COUNT(compile_options),
    .arguments_bytes = sizeof(struct compile_arguments),
    .run = compile_run,
};
