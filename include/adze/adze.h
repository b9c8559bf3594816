/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler: reads a trained network and writes a package.
 *
 *   struct adze_compile_options options;
 *   adze_compile_options_init(&options);
 *   options.target = "llvm -mcpu=znver4";
 *   if (adze_compile("resnet50.onnx", "resnet50.tar", &options, &error))
 *     fputs(error.message, stderr);
 *
 * Thread-safe: compiles may run side by side.
 */
#ifndef ADZE_ADZE_H
#define ADZE_ADZE_H

#include "adze/runtime.h"
#include "adze/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum adze_output_format {
  ADZE_OUTPUT_SO,     /* package: model.tar with a shared library */
  ADZE_OUTPUT_OBJ,    /* NAME.o and NAME.h */
  ADZE_OUTPUT_STATIC, /* libNAME.a and NAME.h */
  ADZE_OUTPUT_C       /* NAME.c and NAME.h */
};

/* Called with progress: stage is a static string ("import", "kernels"), done
 * of total units; from the compiling thread. */
typedef void adze_progress_function(void *context, const char *stage,
                                    size_t done, size_t total);

struct adze_compile_options {
  const char *target;       /* NULL: "llvm" for this machine, or "c" where the
                               output is C */
  const char *input_shapes; /* "image:[1,3,257,257] x:[1,?]" or NULL; names may
                               hold '/', ':', '.'; -1, 0, ?, a word: open */
  const char *shape_hint;   /* same form: sizes to optimise open dims for */
  enum adze_output_format output_format;
  const char *module_name; /* symbol prefix for obj, static and c; NULL:
                               "adze_" + the model file's name */
  /* Preprocessing compiled in: y = (x - mean[c]) * scale[c] after the optional
   * reversal of the channel axis (axis 1 of every rank-4 input). The text is
   * "123.675,116.28,103.53" for all inputs or "name:[a,b,c] …". NULL: none.
   * With any of them the package has the property "preprocessing". */
  const char *mean_values, *scale_values;
  bool reverse_input_channels;
  bool no_winograd;      /* no convolution by Winograd's or Strassen's
                            algorithm, which are used where that is cheaper:
                            less work, rounding errors up to 1e-4 of the
                            largest value */
  const char *dump_code; /* "ll,asm,ir,c": written to output.ll and so on */
  bool print_pass_times; /* on stderr */
  int threads;           /* that compile; 0: every CPU */
  const char *const *properties; /* pairs of name, value to store in the
                                    package, before those that the model has
                                    (ONNX's metadata_props); NULL-terminated,
                                    or NULL */
  adze_progress_function *progress;
  void *progress_context;
};
ADZE_EXPORT void
adze_compile_options_init(struct adze_compile_options *options);

/* Compiles a model file; the format is told from its content and name. Writes
 * `output` beside its place and renames it. `options` may be NULL. */
ADZE_EXPORT enum adze_status
adze_compile(const char *model_path, const char *output,
             const struct adze_compile_options *options,
             struct adze_error *error) ADZE_MUST_USE;

/* Removes the temporary folders of all compiles in this process, and lets no
 * more be made: for a program that is about to be ended by a signal. Compiles
 * that go on fail. From any thread that is not in a signal's handler: best one
 * that waits for signals (sigwait). */
ADZE_EXPORT void adze_end_temporary_folders(void);

/* ---- What is in a model, without compiling it ---------------------------- */
struct adze_count {
  const char *name;
  size_t count;
};
typedef struct adze_model_summary adze_model_summary;
/* Returns new. Lists what is unsupported instead of failing on it. */
ADZE_EXPORT enum adze_status adze_summarize(
    const char *model_path, const struct adze_compile_options *options,
    adze_model_summary **out, struct adze_error *error) ADZE_MUST_USE;
ADZE_EXPORT void adze_summary_release(adze_model_summary *summary);
ADZE_EXPORT const char *adze_summary_format(const adze_model_summary *summary);
ADZE_EXPORT size_t adze_summary_input_count(const adze_model_summary *summary);
ADZE_EXPORT void adze_summary_input(const adze_model_summary *summary,
                                    size_t index, struct adze_tensor_info *out);
ADZE_EXPORT size_t adze_summary_output_count(const adze_model_summary *summary);
ADZE_EXPORT void adze_summary_output(const adze_model_summary *summary,
                                     size_t index,
                                     struct adze_tensor_info *out);
/* Operators of the model under the names of its format, by falling count. */
ADZE_EXPORT size_t
adze_summary_operator_count(const adze_model_summary *summary);
ADZE_EXPORT void adze_summary_operator(const adze_model_summary *summary,
                                       size_t index, struct adze_count *out);
ADZE_EXPORT uint64_t adze_summary_parameters(const adze_model_summary *summary);
ADZE_EXPORT uint64_t
adze_summary_parameter_bytes(const adze_model_summary *summary);
/* Multiply-adds of one run, or 0 while a dimension is open. */
ADZE_EXPORT uint64_t adze_summary_macs(const adze_model_summary *summary);
/* Sentences naming each node that can't be compiled, and why. */
ADZE_EXPORT size_t
adze_summary_problem_count(const adze_model_summary *summary);
ADZE_EXPORT const char *adze_summary_problem(const adze_model_summary *summary,
                                             size_t index);

/* ---- Reference ----------------------------------------------------------- */
/* Runs the model on the interpreter of unscheduled loop IR: slow, exact, the
 * definition of what compiled code must compute. inputs[i] and outputs[i] are
 * dense arrays of the sizes that adze_summary_* gives with these options. */
ADZE_EXPORT enum adze_status
adze_interpret(const char *model_path,
               const struct adze_compile_options *options,
               const void *const *inputs, void *const *outputs,
               struct adze_error *error) ADZE_MUST_USE;

/* ---- Checking compiled code ---------------------------------------------- */
/* What adze_check found of one group: nodes that became one kernel. */
struct adze_check_group {
  const char *name;          /* of its last node */
  const char *template_name; /* the schedule template that made it */
  size_t index, count;       /* it is `index` of `count` groups */
  size_t samples;            /* elements compared */
  double worst;              /* largest error among them / largest magnitude */
};
typedef void adze_check_function(void *context,
                                 const struct adze_check_group *group);
struct adze_check_options {
  const char *shapes; /* as input_shapes: sizes for the open dimensions of this
                         run, or NULL where none is open */
  const void *const *inputs; /* dense arrays; NULL: random in [-1, 1), integers
                                0 or 1 */
  void *const *outputs;      /* dense arrays to fill, or NULL */
  size_t samples;            /* elements of each group's output */
  uint64_t seed;             /* of samples and random inputs */
  double rtol, atol;         /* allowed: atol + rtol * the largest sampled
                                magnitude of the output, or rtol/10 * the sum
                                of its terms' magnitudes; rtol counts twice for
                                sums of 2^14 terms, …; integers: none */
  adze_check_function *report; /* called after each group, or NULL */
  void *context;
};
/* 64 samples, rtol 1e-4, atol 1e-7. */
ADZE_EXPORT void adze_check_options_init(struct adze_check_options *options);

/* Compiles the model's kernels as adze_compile does, runs them in this process
 * one after the other and compares each one's output, by samples, with what the
 * reference makes of the same inputs; also that the bits do not depend on the
 * number of workers or on what the memory held before, that halos are zero, and
 * that nothing else is written. MISMATCH names the group and the element. The
 * target must be this machine. Either options may be NULL. */
ADZE_EXPORT enum adze_status
adze_check(const char *model_path, const struct adze_compile_options *options,
           const struct adze_check_options *check_options,
           struct adze_error *error) ADZE_MUST_USE;

/* ---- About this build and machine ---------------------------------------- */
ADZE_EXPORT const char *adze_version(void);
/* A library that was or wasn't found when adze was built. */
struct adze_library_info {
  const char *name, *version, *use;
  bool found;
};
ADZE_EXPORT size_t adze_library_count(void);
ADZE_EXPORT void adze_library(size_t index, struct adze_library_info *out);
/* This machine in lines of "name: value" (CPU, features, caches, cores). As
 * snprintf: writes at most out_bytes with a NUL, returns the whole length. */
ADZE_EXPORT size_t adze_machine_text(char *out, size_t out_bytes);
/* Peak fp32 GFLOP/s of `threads` cores, measured for some 20 ms. */
ADZE_EXPORT double adze_machine_measure_peak(int threads);

/* The environment variables that adze reads; index < adze_environment_count. */
ADZE_EXPORT size_t adze_environment_count(void);
ADZE_EXPORT void adze_environment(size_t index, const char **name,
                                  const char **syntax, const char **meaning,
                                  const char **value);

#ifdef __cplusplus
}
#endif
#endif
