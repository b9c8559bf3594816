/* SPDX-License-Identifier: Apache-2.0 */
/* A package's mod.so in this process. */
#ifndef RUNTIME_CODE_H
#define RUNTIME_CODE_H

#include "adze/package_abi.h"
#include "base/base.h"

/* {0} is "not loaded". */
struct code {
  void *handle;   /* of dlopen */
  int descriptor; /* of the memory file; -1 when there is none */
};

/* Maps verified code of `bytes` bytes and asks for its module description. On
 * failure nothing stays loaded. `name` is the package's, for messages. */
enum adze_status code_load(const char *name, const void *data, size_t bytes,
                           struct code *out,
                           const struct adze_abi_module **module,
                           struct adze_error *error) ADZE_MUST_USE;
void code_unload(struct code *code);

#endif
