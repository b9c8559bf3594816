/* SPDX-License-Identifier: Apache-2.0 */
/* The C target: one text for all kernels and entry points; through the C
 * compiler an object of it, or a library loaded into this process.
 */
#include "target/c/printer.h"
#include "target/c/support.h"

#include "base/file.h"

#include <dlfcn.h>
#include <string.h>

struct folder {
  char path[4096];
};

static void release_folder(void *resource) {
  struct folder *folder = resource;
  if (folder->path[0] != '\0')
    folder_remove(folder->path);
}

/* A private folder that goes with the arena. */
static enum adze_status make_folder(struct arena *arena, struct folder **out,
                                    struct adze_error *error) {
  struct folder *folder = ARENA_NEW(arena, struct folder);
  arena_defer(arena, release_folder, folder);
  *out = folder;
  enum adze_status status = folder_make_temporary(folder->path, error);
  if (status != ADZE_OK)
    folder->path[0] = '\0';
  return status;
}

/* Whether some step binds two parameters of the kernel to one place. */
static bool is_aliased(const struct module *module,
                       const struct function *kernel) {
  for (size_t i = 0; i < module->steps.count; i++) {
    const struct module_step *step = &module->steps.data[i];
    if (step->kernel != kernel)
      continue;
    for (size_t a = 0; a < kernel->parameters.count; a++)
      for (size_t b = 0; b < a; b++)
        if (step->bindings[a].kind == step->bindings[b].kind &&
            step->bindings[a].index == step->bindings[b].index &&
            step->bindings[a].kind != BINDING_WEIGHTS)
          return true;
  }
  return false;
}

static void print_module(struct text *text, struct arena *arena,
                         const struct module *module) {
  c_support_print(text);
  for (size_t i = 0; i < module->kernels.count; i++) {
    const struct function *kernel = module->kernels.data[i];
    c_function_print(text, arena, kernel,
                     arena_printf(arena, "%s%s", module->prefix, kernel->name),
                     is_aliased(module, kernel));
  }
  c_entry_print(text, arena, module);
}

static enum adze_status add_object(struct arena *arena, const char *path,
                                   struct object_list *out,
                                   struct adze_error *error) {
  struct file_map map;
  TRY(file_map_open(path, &map, error));
  struct object_code object = {arena_copy(arena, map.data, map.size), map.size};
  file_map_close(&map);
  vec_push(arena, &out->objects, object);
  return ADZE_OK;
}

static enum adze_status c_emit(struct arena *arena,
                               const struct machine *machine,
                               const struct module *module, int threads,
                               struct code_dump *dump, struct object_list *out,
                               struct adze_error *error) {
  struct text text = {.arena = arena};
  struct folder *folder;
  const char *path;
  (void)machine, (void)threads; /* one file, for any machine */
  print_module(&text, arena, module);
  if (dump != NULL && dump->c != NULL)
    text_add_n(dump->c, text.data, text.size);
  if (out == NULL)
    return ADZE_OK;
  TRY(make_folder(arena, &folder, error));
  TRY(c_compiler_run(arena, folder->path, &text, false, &path, error));
  return add_object(arena, path, out, error);
}

/* Registered before it is filled: registering may run out of memory. */
struct library {
  void *handle;
};

static void release_library(void *resource) {
  struct library *library = resource;
  if (library->handle != NULL)
    (void)dlclose(library->handle);
}

static enum adze_status c_load(struct arena *arena,
                               const struct machine *machine,
                               struct function *const *kernels, size_t count,
                               void **addresses, struct adze_error *error) {
  struct text text = {.arena = arena};
  struct folder *folder;
  const char *path;
  (void)machine;
  c_support_print(&text);
  text_add(&text, "#if defined(__GNUC__)\n"
                  "#pragma GCC visibility push(default)\n"
                  "#endif\n");
  for (size_t i = 0; i < count; i++) {
    const char *name = arena_printf(arena, "kernel_%zu", i);
    c_function_print(&text, arena, kernels[i], name, false);
    c_wrapper_print(&text, kernels[i], name,
                    arena_printf(arena, "adze_wrapper_%zu", i));
  }
  TRY(make_folder(arena, &folder, error));
  TRY(c_compiler_run(arena, folder->path, &text, true, &path, error));
  struct library *library = ARENA_NEW(arena, struct library);
  arena_defer(arena, release_library, library);
  library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library->handle == NULL)
    return fail(error, ADZE_INTERNAL, "compiled C can't be loaded: %s",
                dlerror());
  for (size_t i = 0; i < count; i++) {
    addresses[i] =
        dlsym(library->handle, arena_printf(arena, "adze_wrapper_%zu", i));
    check(addresses[i] != NULL);
  }
  return ADZE_OK;
}

const struct target target_c = {
    .name = "c",
    .summary = "portable C11 for any compiler",
    .emit = c_emit,
    .load = c_load,
};
