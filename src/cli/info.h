/* SPDX-License-Identifier: Apache-2.0 */
/* What `adze info` tells of a model or package. */
#ifndef CLI_INFO_H
#define CLI_INFO_H

#include "adze/adze.h"

struct info_report {
  const char *path;
  const char *format;                  /* "onnx"; "package" */
  const char *name, *target, *version; /* of packages; else NULL */
  struct adze_tensor_info *inputs, *outputs;
  size_t input_count, output_count;
  /* Of a model its operators; of a package the templates of its kernels. */
  struct adze_count *operators;
  size_t operator_count;
  uint64_t parameters; /* 0 for packages, which hold bytes */
  uint64_t parameter_bytes;
  uint64_t macs;            /* 0 while a dimension is open */
  uint64_t workspace_bytes; /* 0 when not known */
  const char **problems;
  size_t problem_count;
};

#endif
