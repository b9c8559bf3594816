/* SPDX-License-Identifier: Apache-2.0 */
/* adze_compile: the path of a model, from file to package. */
#include <stdio.h>
#include <string.h>

#include "base/environment.h"
#include "base/file.h"
#include "driver/compilation.h"
#include "import/import.h"
#include "ir/loop_text.h"
#include "pass/pass.h"

void adze_compile_options_init(struct adze_compile_options *options) {
  *options = (struct adze_compile_options){.output_format = ADZE_OUTPUT_SO};
}

void compilation_stage(struct compilation *compilation, const char *stage,
                       size_t done, size_t total) {
  const struct adze_compile_options *options = compilation->options;
  if (options->progress)
    options->progress(options->progress_context, stage, done, total);
  if (done < total)
    return;
  int64_t now = time_now_ns();
  if (options->print_pass_times || environment_get(ENVIRONMENT_ADZE_TIME))
    fprintf(stderr, "%9.2f ms  %s\n",
            (double)(now - compilation->stage_started) / 1e6, stage);
  compilation->stage_started = now;
}

static bool prints_times(const struct compilation *compilation) {
  return compilation->options->print_pass_times ||
         environment_get(ENVIRONMENT_ADZE_TIME) != NULL;
}

enum adze_status compile_import(struct compilation *compilation) {
  struct import_options import = {.input_shapes =
                                      compilation->options->input_shapes};
  TRY(import_model(compilation->arena, compilation->model_path, &import,
                   &compilation->graph, compilation->error));
  TRY(apply_shape_hint(compilation->graph, compilation->options,
                       compilation->error));
  TRY(apply_preprocessing(compilation->graph, compilation->options,
                          compilation->error));
  compilation_stage(compilation, "import", 1, 1);
  return ADZE_OK;
}

/* Code in the forms that --dump-code asks for, beside the output. */
struct dumps {
  struct text texts[3];
  struct code_dump dump;
};
static const struct {
  const char *format;
  size_t member;
} dump_formats[] = {
    {"ll", offsetof(struct code_dump, ll)},
    {"asm", offsetof(struct code_dump, assembly)},
    {"c", offsetof(struct code_dump, c)},
};

static bool has_word(const char *list, const char *word) {
  for (const char *at = list; at && *at; at += *at == ',') {
    size_t size = strcspn(at, ",");
    if (size == strlen(word) && !memcmp(at, word, size))
      return true;
    at += size;
  }
  return false;
}

static struct code_dump *make_dumps(struct compilation *compilation,
                                    struct dumps *dumps) {
  const struct adze_compile_options *options = compilation->options;
  bool any = options->output_format == ADZE_OUTPUT_C;
  for (size_t i = 0; i < ARRAY_COUNT(dump_formats); i++) {
    dumps->texts[i].arena = compilation->arena;
    bool wanted = has_word(options->dump_code, dump_formats[i].format) ||
                  (dump_formats[i].member == offsetof(struct code_dump, c) &&
                   options->output_format == ADZE_OUTPUT_C);
    if (!wanted)
      continue;
    any = true;
    struct text *text = &dumps->texts[i];
    memcpy((char *)&dumps->dump + dump_formats[i].member, &text, sizeof text);
  }
  return any ? &dumps->dump : NULL;
}

/* The flat loop IR of every kernel. */
static const char *all_kernels(struct compilation *compilation) {
  struct text text = {.arena = compilation->arena};
  for (size_t i = 0; i < compilation->module.kernels.count; i++)
    function_print(&text, compilation->module.kernels.data[i]);
  return text_string(&text);
}

static enum adze_status write_dumps(struct compilation *compilation,
                                    const struct dumps *dumps) {
  if (has_word(compilation->options->dump_code, "ir")) {
    const char *text = all_kernels(compilation);
    TRY(file_write_all(
        arena_printf(compilation->arena, "%s.ir", compilation->output), text,
        strlen(text), compilation->error));
  }
  for (size_t i = 0; i < ARRAY_COUNT(dump_formats); i++) {
    if (!has_word(compilation->options->dump_code, dump_formats[i].format))
      continue;
    const char *path =
        arena_printf(compilation->arena, "%s.%s", compilation->output,
                     dump_formats[i].format);
    TRY(file_write_all(path, text_string(&dumps->texts[i]),
                       dumps->texts[i].size, compilation->error));
  }
  return ADZE_OK;
}

static enum adze_status finish(struct compilation *compilation) {
  struct object_list objects = {.objects = {0}};
  struct dumps dumps = {.dump = {0}};
  const struct adze_compile_options *options = compilation->options;
  int threads = options->threads > 0 ? options->threads : environment_threads();
  compilation_stage(compilation, "code", 0, 1);
  TRY(compilation->target->emit(
      compilation->arena, &compilation->machine, &compilation->module, threads,
      make_dumps(compilation, &dumps),
      options->output_format == ADZE_OUTPUT_C ? NULL /* the text is all */
                                              : &objects,
      compilation->error));
  compilation_stage(compilation, "code", 1, 1);
  TRY(write_dumps(compilation, &dumps));
  const char *json = compilation_json(compilation);
  struct package_code code = {
      .objects = objects.objects.data,
      .object_count = objects.objects.count,
      .source = dumps.dump.c ? text_string(dumps.dump.c) : NULL,
      .json = json,
      .json_bytes = strlen(json),
      .workspace_bytes = compilation_workspace(compilation),
  };
  TRY(package_finish(compilation->writer, &code, compilation->error));
  compilation_stage(compilation, "package", 1, 1);
  return ADZE_OK;
}

static enum adze_status check_dump_code(struct compilation *compilation) {
  const char *at = compilation->options->dump_code;
  while (at && *at) {
    size_t size = strcspn(at, ",");
    const char *word = arena_strndup(compilation->arena, at, size);
    if (!has_word("ll,asm,ir,c", word))
      return fail(compilation->error, ADZE_INVALID_ARGUMENT,
                  "--dump-code: '%s' is not one of ll, asm, ir, c", word);
    bool is_c = !strcmp(compilation->machine.kind, "c");
    if (!strcmp(word, "c") != is_c && strcmp(word, "ir"))
      return fail(compilation->error, ADZE_INVALID_ARGUMENT,
                  "--dump-code: the target %s makes no '%s'",
                  compilation->machine.kind, word);
    at += size + (at[size] == ',');
  }
  return ADZE_OK;
}

/* "models/resnet50.onnx": "resnet50". */
static const char *file_stem(struct arena *arena, const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  const char *dot = strrchr(name, '.');
  return dot && dot > name ? arena_strndup(arena, name, (size_t)(dot - name))
                           : name;
}

/* What can be known to be wrong before any work is done. */
static enum adze_status check_options(struct compilation *compilation) {
  const struct adze_compile_options *options = compilation->options;
  bool is_source = options->output_format == ADZE_OUTPUT_C;
  TRY(pass_check_dump(compilation->error));
  TRY(machine_parse(compilation->arena,
                    options->target || !is_source ? options->target : "c",
                    &compilation->machine, compilation->error));
  compilation->target = target_find(compilation->machine.kind);
  if (is_source && strcmp(compilation->machine.kind, "c"))
    return fail(compilation->error, ADZE_INVALID_ARGUMENT,
                "output format c needs the target c, not '%s'",
                compilation->machine.target_line);
  compilation->module_name =
      options->module_name
          ? options->module_name
          : package_module_name_default(
                compilation->arena,
                file_stem(compilation->arena, compilation->model_path));
  return check_dump_code(compilation);
}

/* Everything between the model and its code; messages name its file. */
static enum adze_status make_kernels(struct compilation *compilation) {
  TRY(pass_run_all(compilation->graph, prints_times(compilation),
                   compilation->error));
  compilation_stage(compilation, "passes", 1, 1);
  machine_hold_weights(&compilation->machine,
                       graph_constant_bytes(compilation->graph));
  TRY(plan_make(compilation->graph, &compilation->machine,
                !compilation->options->no_winograd, &compilation->plan,
                compilation->error));
  compilation_stage(compilation, "plan", 1, 1);
  return compile_kernels(compilation);
}

enum adze_status compile_to_kernels(struct compilation *compilation) {
  TRY(check_options(compilation));
  TRY(compile_import(compilation));
  enum adze_status status = make_kernels(compilation);
  return status != ADZE_OK && compilation->error
             ? fail_prefix(compilation->error, compilation->model_path)
             : status;
}

static enum adze_status compile_body(void *argument) {
  struct compilation *compilation = argument;
  TRY(file_check_writable(compilation->output, compilation->error));
  TRY(compile_to_kernels(compilation));
  TRY(compile_open_package(compilation));
  TRY(compile_constants(compilation));
  TRY(compile_module(compilation));
  return finish(compilation);
}

enum adze_status adze_compile(const char *model_path, const char *output,
                              const struct adze_compile_options *options,
                              struct adze_error *error) {
  struct adze_compile_options defaults;
  adze_compile_options_init(&defaults);
  struct compilation compilation = {
      .arena = arena_create("compile"),
      .model_path = model_path,
      .output = output,
      .options = options ? options : &defaults,
      .error = error,
      .stage_started = time_now_ns(),
  };
  if (!compilation.arena)
    return fail(error, ADZE_OUT_OF_MEMORY, "%s: memory ran out", model_path);
  enum adze_status status = guard_run(compile_body, &compilation, error);
  arena_destroy(compilation.arena);
  return status;
}

void adze_end_temporary_folders(void) { folder_end_temporary(); }
