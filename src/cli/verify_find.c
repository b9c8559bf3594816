/* SPDX-License-Identifier: Apache-2.0 */
/* Finds models and their data.
 *
 * Folders are walked by name, so that reports don't depend on a file system's
 * order. Symbolic links to folders are not followed below an argument: they
 * may lead back up.
 */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/verify.h"

enum { MAX_FOLDER_DEPTH = 64 };

struct finder {
  struct arena *arena;
  struct adze_error *error;
  VEC(struct verify_case) cases;
};

struct names {
  const char **items;
  size_t count;
};

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void close_folder(void *folder) { closedir(folder); }

/* The names in a folder but for hidden ones, sorted. */
static enum adze_status list_folder(struct finder *finder, const char *path,
                                    struct names *out) {
  VEC(const char *) names = {0};
  struct arena *scratch = arena_create("folder");
  if (!scratch)
    guard_out_of_memory();
  DIR *folder = opendir(path);
  if (!folder) {
    arena_destroy(scratch);
    return fail(finder->error, ADZE_IO, "%s: the folder can't be read", path);
  }
  arena_defer(scratch, close_folder, folder);
  for (struct dirent *entry; (entry = readdir(folder));)
    if (entry->d_name[0] != '.')
      vec_push(finder->arena, &names,
               arena_strdup(finder->arena, entry->d_name));
  arena_destroy(scratch);
  if (names.count)
    qsort(names.data, names.count, sizeof *names.data, by_name);
  *out = (struct names){names.data, names.count};
  return ADZE_OK;
}

static bool is_folder(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static const char *join(struct arena *arena, const char *folder,
                        const char *name) {
  size_t size = strlen(folder);
  return arena_printf(arena, "%s%s%s", folder,
                      size && folder[size - 1] == '/' ? "" : "/", name);
}

/* The last part of a path, without slashes at its end. */
static const char *last_part(struct arena *arena, const char *path) {
  size_t size = strlen(path);
  while (size > 1 && path[size - 1] == '/')
    size--;
  size_t start = size;
  while (start > 0 && path[start - 1] != '/')
    start--;
  return arena_strndup(arena, path + start, size - start);
}

static const char *folder_of(struct arena *arena, const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? arena_strndup(arena, path, (size_t)(slash - path + 1)) : ".";
}

static const char *without_ending(struct arena *arena, const char *name) {
  const char *dot = strrchr(name, '.');
  return dot && dot > name ? arena_strndup(arena, name, (size_t)(dot - name))
                           : name;
}

static bool is_model_name(const char *name) {
  return string_ends(name, ".onnx");
}

static size_t count_models(const struct names *names) {
  size_t count = 0;
  for (size_t i = 0; i < names->count; i++)
    count += is_model_name(names->items[i]);
  return count;
}

/* What of `names` in `folder` is data for the model called `file`. Files of any
 * name count only where the folder itself was asked for. */
static void add_sets(struct finder *finder, const char *folder,
                     const struct names *names, const char *file, bool found,
                     struct verify_case *test) {
  VEC(struct data_set) sets = {0};
  bool alone = count_models(names) <= 1;
  const char *own = arena_printf(finder->arena, "%s.npz",
                                 without_ending(finder->arena, file));
  for (size_t i = 0; i < names->count; i++) {
    const char *name = names->items[i];
    struct data_set set = {join(finder->arena, folder, name),
                           string_ends(name, ".npz")};
    if ((alone && string_starts(name, "test_data_set_") &&
         is_folder(set.path)) ||
        (set.npz && ((alone && found) || string_equal(name, own))))
      vec_push(finder->arena, &sets, set);
  }
  test->sets = sets.data;
  test->set_count = sets.count;
}

/* A model in a folder whose names are known; `found` there, or typed. */
static void add_model(struct finder *finder, const char *folder,
                      const struct names *names, const char *path, bool found) {
  struct verify_case test = {.model = path};
  const char *file = last_part(finder->arena, path);
  char *whole = arena_alloc(finder->arena, PATH_MAX);
  const char *parent = "/";
  if (realpath(folder, whole))
    parent = last_part(finder->arena, whole);
  bool by_folder =
      string_equal(file, "model.onnx") || (found && count_models(names) == 1);
  test.name = by_folder && parent[0] && parent[0] != '/'
                  ? parent
                  : without_ending(finder->arena, file);
  add_sets(finder, folder, names, file, found, &test);
  vec_push(finder->arena, &finder->cases, test);
}

static enum adze_status walk(struct finder *finder, const char *folder,
                             int depth) {
  struct names names;
  if (depth > MAX_FOLDER_DEPTH)
    return fail(finder->error, ADZE_LIMIT, "%s: folders are nested too deeply",
                folder);
  TRY(list_folder(finder, folder, &names));
  for (size_t i = 0; i < names.count; i++)
    if (is_model_name(names.items[i]))
      add_model(finder, folder, &names,
                join(finder->arena, folder, names.items[i]), true);
  for (size_t i = 0; i < names.count; i++) {
    const char *path = join(finder->arena, folder, names.items[i]);
    if (is_folder(path) && !string_starts(names.items[i], "test_data_set_"))
      TRY(walk(finder, path, depth + 1));
  }
  return ADZE_OK;
}

/* An npz argument belongs to the model before it; the first one replaces what
 * lay beside that model. */
static enum adze_status add_npz(struct finder *finder, const char *path,
                                bool first) {
  if (!finder->cases.count)
    return fail(finder->error, ADZE_INVALID_ARGUMENT,
                "verify: %s comes before the model that it is for", path);
  struct verify_case *test = &finder->cases.data[finder->cases.count - 1];
  size_t kept = first ? 0 : test->set_count;
  struct data_set *sets = ARENA_ARRAY(finder->arena, struct data_set, kept + 1);
  if (kept)
    memcpy(sets, test->sets, kept * sizeof *sets);
  sets[kept] = (struct data_set){path, true};
  test->sets = sets;
  test->set_count = kept + 1;
  return ADZE_OK;
}

enum adze_status verify_find(struct arena *arena, const char *const *arguments,
                             size_t count, struct verify_cases *out,
                             struct adze_error *error) {
  struct finder finder = {.arena = arena, .error = error};
  bool npz_before = false;
  for (size_t i = 0; i < count; i++) {
    struct stat info;
    const char *path = arguments[i];
    bool npz = string_ends(path, ".npz");
    if (stat(path, &info))
      return fail(error, ADZE_NOT_FOUND, "%s: no such file or folder", path);
    if (npz) {
      TRY(add_npz(&finder, path, !npz_before));
    } else if (S_ISDIR(info.st_mode)) {
      TRY(walk(&finder, path, 0));
    } else {
      struct names names;
      const char *folder = folder_of(arena, path);
      TRY(list_folder(&finder, folder, &names));
      add_model(&finder, folder, &names, path, false);
    }
    npz_before = npz;
  }
  if (!finder.cases.count)
    return fail(error, ADZE_NOT_FOUND, "%s: no model (*.onnx) lies there",
                arguments[0]);
  *out = (struct verify_cases){finder.cases.data, finder.cases.count};
  return ADZE_OK;
}
