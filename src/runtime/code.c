/* SPDX-License-Identifier: Apache-2.0 */
/* The dynamic loader takes a path only, so the code goes through a memory file
 * and is opened as /proc/self/fd/N. The descriptor stays open for as long as
 * the code is loaded: the loader takes two libraries of the same path for the
 * same one, and an open descriptor's number can't be handed out again.
 *
 * Where there are no memory files, or no /proc, or memory files may not be
 * executed, a private file in the folder for temporary files serves instead;
 * it is removed as soon as it is loaded.
 */
#include "runtime/code.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/* False with errno set when not everything could be written. */
static bool write_all(int descriptor, const void *data, size_t bytes) {
  const char *next = data;
  while (bytes > 0) {
    ssize_t written = write(descriptor, next, bytes);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    next += written;
    bytes -= (size_t)written;
  }
  return true;
}

static void close_descriptor(struct code *code) {
  if (code->descriptor >= 0)
    close(code->descriptor);
  code->descriptor = -1;
}

/* Leaves code->handle NULL when this way is closed. */
static void load_from_memory(const void *data, size_t bytes,
                             struct code *code) {
  code->descriptor = memfd_create("adze", MFD_CLOEXEC | MFD_EXEC);
  if (code->descriptor < 0 && errno == EINVAL) /* a kernel before 6.3 */
    code->descriptor = memfd_create("adze", MFD_CLOEXEC);
  if (code->descriptor < 0)
    return;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", code->descriptor);
  if (write_all(code->descriptor, data, bytes))
    code->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!code->handle)
    close_descriptor(code);
}

static enum adze_status load_from_file(const char *name, const void *data,
                                       size_t bytes, struct code *code,
                                       struct adze_error *error) {
  const char *folder = getenv("TMPDIR");
  char path[4096];
  int size = snprintf(path, sizeof path, "%s/adze-XXXXXX",
                      folder && *folder ? folder : "/tmp");
  if (size < 0 || (size_t)size >= sizeof path)
    return fail(error, ADZE_IO, "%s: TMPDIR is too long", name);
  int descriptor = mkostemp(path, O_CLOEXEC); /* mode 0600, O_EXCL */
  if (descriptor < 0)
    return fail(error, ADZE_IO, "%s: can't make %s: %s", name, path,
                strerror(errno));
  bool written = write_all(descriptor, data, bytes);
  int reason = errno;
  if (close(descriptor) != 0 && written) {
    written = false;
    reason = errno;
  }
  if (written)
    code->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  const char *problem = code->handle ? NULL : dlerror();
  unlink(path);
  if (!written)
    return fail(error, ADZE_IO, "%s: can't write %s: %s", name, path,
                strerror(reason));
  if (!code->handle)
    return fail(error, ADZE_INVALID_PACKAGE, "%s: mod.so can't be loaded: %s",
                name, problem ? problem : "no reason given");
  return ADZE_OK;
}

enum adze_status code_load(const char *name, const void *data, size_t bytes,
                           struct code *out,
                           const struct adze_abi_module **module,
                           struct adze_error *error) {
  struct code code = {NULL, -1};
  load_from_memory(data, bytes, &code);
  if (!code.handle)
    TRY(load_from_file(name, data, bytes, &code, error));
  union { /* ISO C has no cast from object to function pointers */
    void *object;
    adze_module_query_function *function;
  } query = {.object = dlsym(code.handle, ADZE_MODULE_QUERY_NAME)};
  if (!query.object) {
    code_unload(&code);
    return fail(error, ADZE_INVALID_PACKAGE, "%s: mod.so does not define %s",
                name, ADZE_MODULE_QUERY_NAME);
  }
  *module = query.function(ADZE_ABI_VERSION);
  if (!*module || (*module)->abi_version != ADZE_ABI_VERSION) {
    code_unload(&code);
    return fail(error, ADZE_INCOMPATIBLE,
                "%s: mod.so does not serve ABI version %u", name,
                ADZE_ABI_VERSION);
  }
  *out = code;
  return ADZE_OK;
}

void code_unload(struct code *code) {
  if (!code->handle)
    return;
  dlclose(code->handle);
  code->handle = NULL;
  close_descriptor(code);
}
