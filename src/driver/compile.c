/* SPDX-License-Identifier: Apache-2.0 */
/* adze_compile: the path of a model, from file to package. */
#include <stdio.h>
#include <string.h>

#include "base/environment.h"
#include "driver/compilation.h"
#include "import/import.h"
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
  TRY(machine_parse(compilation->arena, compilation->options->target,
                    &compilation->machine, compilation->error));
  compilation->target = target_find(compilation->machine.kind);
  struct import_options import = {
      .input_shapes = compilation->options->input_shapes};
  TRY(import_model(compilation->arena, compilation->model_path, &import,
                   &compilation->graph, compilation->error));
  TRY(apply_preprocessing(compilation->graph, compilation->options,
                          compilation->error));
  compilation_stage(compilation, "import", 1, 1);
  TRY(pass_run_all(compilation->graph, prints_times(compilation),
                   compilation->error));
  compilation_stage(compilation, "passes", 1, 1);
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
  size_t length = strlen(word);
  for (const char *at = list; at && *at; at = strchr(at, ',')) {
    at += *at == ',';
    if (!strncmp(at, word, length) && (at[length] == ',' || !at[length]))
      return true;
    if (!strchr(at, ','))
      break;
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
    memcpy((char *)&dumps->dump + dump_formats[i].member, &text,
           sizeof text);
  }
  return any ? &dumps->dump : NULL;
}

static enum adze_status write_dumps(struct compilation *compilation,
                                    const struct dumps *dumps) {
  for (size_t i = 0; i < ARRAY_COUNT(dump_formats); i++) {
    if (!has_word(compilation->options->dump_code, dump_formats[i].format))
      continue;
    const char *path = arena_printf(compilation->arena, "%s.%s",
                                    compilation->output,
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
  int threads =
      options->threads > 0 ? options->threads : environment_threads();
  compilation_stage(compilation, "code", 0, 1);
  TRY(compilation->target->emit(compilation->arena, &compilation->machine,
                                &compilation->module, threads,
                                make_dumps(compilation, &dumps),
                                options->output_format == ADZE_OUTPUT_C
                                    ? NULL /* the text is all */
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

static enum adze_status check_options(struct compilation *compilation) {
  const struct adze_compile_options *options = compilation->options;
  bool is_c = !strcmp(compilation->machine.kind, "c");
  if (options->output_format == ADZE_OUTPUT_C && !is_c)
    return fail(compilation->error, ADZE_INVALID_ARGUMENT,
                "output format c needs the target c, not '%s'",
                compilation->machine.target_line);
  return ADZE_OK;
}

static enum adze_status compile_body(void *argument) {
  struct compilation *compilation = argument;
  TRY(compile_import(compilation));
  TRY(check_options(compilation));
  TRY(plan_make(compilation->graph, &compilation->machine,
                &compilation->plan, compilation->error));
  compilation_stage(compilation, "plan", 1, 1);
  TRY(compile_kernels(compilation));
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
