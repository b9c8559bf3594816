/* SPDX-License-Identifier: Apache-2.0 */
/* adze info: what a model or package is, without compiling or running it. */
#include "cli/info.h"

#include "base/map.h"
#include "base/text.h"
#include "cli/cache.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/layers.h"
#include "cli/output.h"

struct info_arguments {
  const char *input_shapes;
  bool json;
};

static const struct cli_option info_options[] = {
    {CLI_FIELD(struct info_arguments, input_shapes), 0, CLI_TEXT, "SHAPES",
     NULL, "Input",
     "sizes of a model's inputs, \"image:[1,3,257,257]\", to count operations "
     "where dimensions are open"},
    {CLI_FIELD(struct info_arguments, json), 0, CLI_FLAG, NULL, NULL, "Output",
     "print JSON"},
};

static void release_summary(void *summary) { adze_summary_release(summary); }

static enum adze_status report_model(struct arena *arena, const char *path,
                                     const char *input_shapes,
                                     struct info_report *out,
                                     struct adze_error *error) {
  struct adze_compile_options options;
  adze_model_summary *summary;
  adze_compile_options_init(&options);
  options.input_shapes = input_shapes;
  TRY(adze_summarize(path, &options, &summary, error));
  arena_defer(arena, release_summary, summary);
  out->format = adze_summary_format(summary);
  out->input_count = adze_summary_input_count(summary);
  out->output_count = adze_summary_output_count(summary);
  out->operator_count = adze_summary_operator_count(summary);
  out->problem_count = adze_summary_problem_count(summary);
  out->inputs =
      ARENA_ARRAY(arena, struct adze_tensor_info, out->input_count + 1);
  out->outputs =
      ARENA_ARRAY(arena, struct adze_tensor_info, out->output_count + 1);
  out->operators =
      ARENA_ARRAY(arena, struct adze_count, out->operator_count + 1);
  out->problems = ARENA_ARRAY(arena, const char *, out->problem_count + 1);
  for (size_t i = 0; i < out->input_count; i++)
    adze_summary_input(summary, i, &out->inputs[i]);
  for (size_t i = 0; i < out->output_count; i++)
    adze_summary_output(summary, i, &out->outputs[i]);
  for (size_t i = 0; i < out->operator_count; i++)
    adze_summary_operator(summary, i, &out->operators[i]);
  for (size_t i = 0; i < out->problem_count; i++)
    out->problems[i] = adze_summary_problem(summary, i);
  out->parameters = adze_summary_parameters(summary);
  out->parameter_bytes = adze_summary_parameter_bytes(summary);
  out->macs = adze_summary_macs(summary);
  return ADZE_OK;
}

/* How many kernels each template made, in order of first use. */
static void count_templates(struct arena *arena, const adze_model *model,
                            struct info_report *out) {
  struct map seen;
  size_t kernels = adze_model_kernel_count(model);
  map_init(&seen, arena);
  out->operators = ARENA_ARRAY(arena, struct adze_count, kernels + 1);
  for (size_t i = 0; i < kernels; i++) {
    const char *name, *template_name;
    double flops;
    adze_model_kernel(model, i, &name, &template_name, &flops);
    struct adze_count *row = map_get(&seen, template_name);
    if (!row) {
      row = &out->operators[out->operator_count++];
      row->name = template_name;
      map_set(&seen, template_name, row);
    }
    row->count++;
  }
}

static bool has_open_input(const struct info_report *report) {
  for (size_t i = 0; i < report->input_count; i++)
    for (int d = 0; d < report->inputs[i].rank; d++)
      if (report->inputs[i].dims[d] < 0)
        return true;
  return false;
}

static void unload_model(void *model) { adze_model_unload(model); }

static enum adze_status report_package(struct arena *arena, const char *path,
                                       struct info_report *out,
                                       struct adze_error *error) {
  adze_model *model;
  adze_instance *instance;
  enum adze_status status = adze_model_load(path, NULL, &model, error);
  struct adze_load_options describe = {.describe_only = true};
  if (status == ADZE_INCOMPATIBLE)
    status = adze_model_load(path, &describe, &model, error);
  TRY(status);
  arena_defer(arena, unload_model, model);
  out->format = "package";
  out->name = adze_model_name(model);
  out->target = adze_model_target(model);
  out->version = adze_model_version(model);
  out->input_count = adze_model_input_count(model);
  out->output_count = adze_model_output_count(model);
  out->inputs =
      ARENA_ARRAY(arena, struct adze_tensor_info, out->input_count + 1);
  out->outputs =
      ARENA_ARRAY(arena, struct adze_tensor_info, out->output_count + 1);
  for (size_t i = 0; i < out->input_count; i++)
    adze_model_input(model, i, &out->inputs[i]);
  for (size_t i = 0; i < out->output_count; i++)
    adze_model_output(model, i, &out->outputs[i]);
  count_templates(arena, model, out);
  out->parameter_bytes = adze_model_weights_bytes(model);
  out->macs = has_open_input(out) ? 0 : (uint64_t)(layers_flops(model) / 2);
  struct adze_instance_options options = {.threads = 1};
  if (!has_open_input(out) &&
      adze_instance_create(model, &options, &instance, NULL) == ADZE_OK) {
    out->workspace_bytes = adze_instance_workspace_bytes(instance);
    adze_instance_destroy(instance);
  }
  return ADZE_OK;
}

static void print_tensors(struct arena *arena, const char *title,
                          const struct adze_tensor_info *tensors,
                          size_t count) {
  for (size_t i = 0; i < count; i++)
    printf("%-12s%s %s\n", i ? "" : title, tensors[i].name,
           tensor_text(arena, &tensors[i]));
}

static void print_report(struct arena *arena,
                         const struct info_report *report) {
  size_t total = 0;
  printf("%-12s%s\n", "file", report->path);
  printf("%-12s%s\n", "format", report->format);
  if (report->target) {
    printf("%-12s%s\n", "model", report->name);
    printf("%-12s%s\n", "target", report->target);
    printf("%-12s%s\n", "made by", report->version);
  }
  print_tensors(arena, "inputs", report->inputs, report->input_count);
  print_tensors(arena, "outputs", report->outputs, report->output_count);
  for (size_t i = 0; i < report->operator_count; i++)
    total += report->operators[i].count;
  printf("%-12s%zu", report->target ? "kernels" : "operators", total);
  for (size_t i = 0; i < report->operator_count; i++)
    printf("%s%s %zu", i ? ", " : ": ", report->operators[i].name,
           report->operators[i].count);
  printf("\n%-12s", "parameters");
  if (report->parameters)
    printf("%s, ", count_text(arena, (double)report->parameters));
  printf("%s\n", bytes_text(arena, report->parameter_bytes));
  printf("%-12s%s\n", "MACs",
         report->macs ? count_text(arena, (double)report->macs)
                      : "not known while dimensions are open");
  if (report->workspace_bytes)
    printf("%-12s%s with one thread\n", "workspace",
           bytes_text(arena, report->workspace_bytes));
  for (size_t i = 0; i < report->problem_count; i++)
    printf("%-12s%s\n", i ? "" : "unsupported", report->problems[i]);
}

static enum adze_status info_run(struct cli *cli, void *data,
                                 struct adze_error *error) {
  const struct info_arguments *arguments = data;
  const char *path = cli->positional[0];
  struct info_report report = {.path = path};
  if (file_is_package(path)) {
    if (arguments->input_shapes)
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "info: %s is a package, so --input-shapes has no meaning",
                  path);
    TRY(report_package(cli->arena, path, &report, error));
  } else {
    TRY(report_model(cli->arena, path, arguments->input_shapes, &report,
                     error));
  }
  if (arguments->json)
    return json_info(cli->arena, &report, error);
  print_report(cli->arena, &report);
  return ADZE_OK;
}

const struct cli_command cli_command_info = {
    .name = "info",
    .positional = "MODEL|PACKAGE",
    .minimum = 1,
    .maximum = 1,
    .summary = "print what a model or package holds",
    .description =
        "Prints inputs, outputs, operators with their counts, parameters, "
        "multiply-adds and memory. Of a model it also lists each node that "
        "can't be compiled, and why; of a package its target and which "
        "schedule templates made its kernels.",
    .examples = "adze info resnet50.onnx\n"
                "adze info posenet.onnx --input-shapes "
                "\"image:[1,3,257,257]\"\n"
                "adze info module.tar --json\n",
    .options = info_options,
    .option_count = ARRAY_COUNT(info_options),
    .arguments_bytes = sizeof(struct info_arguments),
    .run = info_run,
};
