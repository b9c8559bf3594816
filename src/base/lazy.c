/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lazy.h"

#include <dlfcn.h>
#include <pthread.h>

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

/* A function in any of the files. */
static void *find_function(void *const *handles, size_t count,
                           const char *name) {
  void *found = NULL;
  for (size_t i = 0; i < count && found == NULL; i++)
    found = dlsym(handles[i], name);
  return found;
}

static enum adze_status open_files(struct lazy_library *library,
                                   struct adze_error *error) {
  enum { MOST = 8 };
  void *handles[MOST];
  check(library->file_count <= MOST);
  for (size_t i = 0; i < library->file_count; i++) {
    handles[i] = dlopen(library->files[i], RTLD_NOW | RTLD_LOCAL);
    if (handles[i] == NULL)
      return fail(error, ADZE_UNAVAILABLE,
                  "a library that adze was built with can't be opened: %s",
                  dlerror());
  }
  for (size_t i = 0; i < library->count; i++) {
    library->functions[i] =
        find_function(handles, library->file_count, library->names[i]);
    if (library->functions[i] == NULL)
      return fail(error, ADZE_UNAVAILABLE,
                  "the library %s is not the one that adze was built with: "
                  "%s is not in it",
                  library->files[0], library->names[i]);
  }
  return ADZE_OK;
}

enum adze_status lazy_library_open(struct lazy_library *library,
                                   struct adze_error *error) {
  if (__atomic_load_n(&library->is_open, __ATOMIC_ACQUIRE))
    return ADZE_OK;
  pthread_mutex_lock(&opening);
  enum adze_status status = ADZE_OK;
  if (!library->is_open)
    status = open_files(library, error);
  if (status == ADZE_OK)
    __atomic_store_n(&library->is_open, true, __ATOMIC_RELEASE);
  pthread_mutex_unlock(&opening);
  return status;
}
