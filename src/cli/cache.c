/* SPDX-License-Identifier: Apache-2.0 */
/* A cache folder of packages, named by a hash of all that decides their bytes.
 *
 * Safe for any number of processes at once without locks: adze_compile writes
 * beside the package's place and renames, and a name is only ever given to one
 * content. The key holds the model's bytes, but of external weights only file,
 * size and time of change, since they may be many gigabytes. It also holds the
 * identity of the compiler's own file, so that a rebuilt compiler never serves
 * packages of its past.
 */
#include "cli/cache.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/map.h"
#include "base/protobuf.h"
#include "base/text.h"

struct key {
  uint64_t low, high;
};

static void key_add(struct key *key, const void *data, size_t size) {
  key->low = hash_bytes(data, size, key->low);
  key->high = hash_bytes(data, size, key->high);
}

static void key_add_text(struct key *key, const char *text) {
  key_add(key, text ? text : "", text ? strlen(text) + 1 : 0);
}

static void key_add_stat(struct key *key, const char *path) {
  struct stat file;
  if (stat(path, &file))
    memset(&file, 0, sizeof file);
  int64_t facts[] = {(int64_t)file.st_size, (int64_t)file.st_mtim.tv_sec,
                     (int64_t)file.st_mtim.tv_nsec};
  key_add_text(key, path);
  key_add(key, facts, sizeof facts);
}

/* ---- External weights of an ONNX file -------------------------------------
 * ModelProto.graph = 7, GraphProto.initializer = 5, TensorProto.external_data
 * = 13, StringStringEntryProto.key = 1, .value = 2. A file that is no ONNX
 * yields nothing or damage; both are fine here, the compiler will tell.
 */
static void add_location(struct protobuf_message entry, struct arena *arena,
                         const char *folder, struct key *key) {
  struct protobuf_field field;
  struct protobuf_bytes name = {(const uint8_t *)"", 0}, value = name;
  while (protobuf_next(&entry, &field)) {
    if (field.number == 1)
      name = protobuf_bytes(&entry, &field);
    else if (field.number == 2)
      value = protobuf_bytes(&entry, &field);
  }
  if (protobuf_equal(name, "location"))
    key_add_stat(
        key, arena_printf(arena, "%s/%.*s", folder,
                          (int)(value.size < PATH_MAX ? value.size : PATH_MAX),
                          (const char *)value.data));
}

static void add_external(struct arena *arena, const char *folder,
                         struct file_map map, struct key *key) {
  struct protobuf_reader reader;
  struct protobuf_field field;
  protobuf_reader_init(&reader, map.data, map.size);
  struct protobuf_message model = protobuf_root(&reader);
  while (protobuf_next(&model, &field)) {
    if (field.number != 7 || field.wire != PROTOBUF_BYTES)
      continue;
    struct protobuf_message graph = protobuf_submessage(&model, &field);
    while (protobuf_next(&graph, &field)) {
      if (field.number != 5 || field.wire != PROTOBUF_BYTES)
        continue;
      struct protobuf_message tensor = protobuf_submessage(&graph, &field);
      while (protobuf_next(&tensor, &field))
        if (field.number == 13 && field.wire == PROTOBUF_BYTES)
          add_location(protobuf_submessage(&tensor, &field), arena, folder,
                       key);
    }
  }
}

static enum adze_status hash_model(struct arena *arena, const char *path,
                                   struct key *key, struct adze_error *error) {
  struct file_map map;
  const char *slash = strrchr(path, '/');
  const char *folder =
      slash ? arena_strndup(arena, path, (size_t)(slash - path)) : ".";
  struct arena *scratch = arena_create("cache key");
  if (!scratch)
    guard_out_of_memory();
  enum adze_status status = file_map_open(path, &map, error);
  if (status == ADZE_OK) {
    key_add(key, map.data, map.size);
    add_external(scratch, folder, map, key);
    file_map_close(&map);
  }
  arena_destroy(scratch);
  return status;
}

/* What compiles: the version, and the very file that holds the compiler. */
static void add_compiler(struct key *key) {
  Dl_info info;
  char machine[8192];
  const void *compiler = (const void *)(uintptr_t)&adze_compile;
  key_add_text(key, adze_version());
  if (dladdr(compiler, &info) && info.dli_fname)
    key_add_stat(key, info.dli_fname);
  size_t size = adze_machine_text(machine, sizeof machine);
  key_add(key, machine, size < sizeof machine ? size : sizeof machine);
}

/* ---- Places -------------------------------------------------------------- */
static const char *cache_folder(struct arena *arena) {
  const char *folder = environment_get(ENVIRONMENT_ADZE_CACHE);
  const char *base = getenv("XDG_CACHE_HOME");
  const char *home = getenv("HOME");
  if (folder)
    return folder;
  if (base && base[0] == '/')
    return arena_printf(arena, "%s/adze", base);
  if (home && home[0] == '/')
    return arena_printf(arena, "%s/.cache/adze", home);
  return NULL;
}

static void remove_folder(void *path) { folder_remove(path); }

static enum adze_status temporary_folder(struct arena *arena, const char **out,
                                         struct adze_error *error) {
  char *folder = arena_alloc(arena, PATH_MAX);
  TRY(folder_make_temporary(folder, error));
  arena_defer(arena, remove_folder, folder);
  *out = folder;
  return ADZE_OK;
}

/* The cache's folder; where none can be written, a temporary one, so that a
 * read-only home is no reason to fail. */
static enum adze_status find_folder(struct arena *arena, const char **out,
                                    struct adze_error *error) {
  *out = cache_folder(arena);
  if (*out && folder_make(*out, NULL) == ADZE_OK &&
      access(*out, W_OK | X_OK) == 0)
    return ADZE_OK;
  return temporary_folder(arena, out, error);
}

static enum adze_status find_place(struct arena *arena, const char *path,
                                   const struct adze_compile_options *options,
                                   const char **out, struct adze_error *error) {
  struct key key = {0x61647a65, 0x63616368};
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  const char *folder;
  int stem = (int)strcspn(name, ".");
  TRY(hash_model(arena, path, &key, error));
  add_compiler(&key);
  key_add_text(&key, options->target);
  key_add_text(&key, options->input_shapes);
  key_add_text(&key, options->no_winograd ? "no-winograd" : NULL);
  TRY(find_folder(arena, &folder, error));
  *out = arena_printf(arena, "%s/%.*s-%016llx%016llx.tar", folder,
                      stem < 64 ? stem : 64, name, (unsigned long long)key.high,
                      (unsigned long long)key.low);
  return ADZE_OK;
}

/* ---- Loading ------------------------------------------------------------- */
bool file_is_package(const char *path) {
  char start[512 + sizeof ADZE_INDEX_MAGIC - 1];
  /* Opening a pipe must not wait for somebody who writes. */
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return string_ends(path, ".tar");
  ssize_t read_bytes = read(file, start, sizeof start);
  size_t size = read_bytes > 0 ? (size_t)read_bytes : 0;
  close(file);
  /* A package that was cut or damaged is still meant as one. */
  return string_ends(path, ".tar") ||
         (size >= 6 && !memcmp(start, "index", 6)) ||
         (size == sizeof start &&
          !memcmp(start + 512, ADZE_INDEX_MAGIC, sizeof ADZE_INDEX_MAGIC - 1));
}

static void unload_model(void *model) { adze_model_unload(model); }

static enum adze_status load_package(struct arena *arena, const char *path,
                                     const struct cache_options *options,
                                     adze_model **out,
                                     struct adze_error *error) {
  const struct adze_load_options load = {.copy_weights = options->copy_weights};
  TRY(adze_model_load(path, &load, out, error));
  arena_defer(arena, unload_model, *out);
  return ADZE_OK;
}

enum adze_status cache_load(struct arena *arena, const char *path,
                            const struct adze_compile_options *compile,
                            const struct cache_options *options,
                            adze_model **out, const char **package,
                            struct adze_error *error) {
  const char *folder;
  *package = path;
  if (file_is_package(path))
    return load_package(arena, path, options, out, error);
  if (options->fresh) {
    TRY(temporary_folder(arena, &folder, error));
    *package = arena_printf(arena, "%s/module.tar", folder);
  } else {
    TRY(find_place(arena, path, compile, package, error));
    if (access(*package, R_OK) == 0 &&
        load_package(arena, *package, options, out, NULL) == ADZE_OK)
      return ADZE_OK;
  }
  TRY(adze_compile(path, *package, compile, error));
  return load_package(arena, *package, options, out, error);
}
