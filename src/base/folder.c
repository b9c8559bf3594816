/* SPDX-License-Identifier: Apache-2.0 */
/* Making and removing folders. Removal never follows symbolic links nor leaves
 * the file system it started on.
 *
 * Temporary ones are listed, so that a program that is to end at once can
 * remove those that other threads are working in.
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

struct temporary {
  struct temporary *next;
  char path[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of these two */
static struct temporary *temporaries;
static bool is_ending; /* no more are made */

/* Makes the folder of a row; returns an errno. */
static int add_temporary(struct temporary *row) {
  pthread_mutex_lock(&lock);
  int problem = is_ending ? EINTR : mkdtemp(row->path) ? 0 : errno;
  if (problem == 0) {
    row->next = temporaries;
    temporaries = row;
  }
  pthread_mutex_unlock(&lock);
  return problem;
}

static void forget_temporary(const char *path) {
  pthread_mutex_lock(&lock);
  struct temporary **at = &temporaries;
  while (*at && strcmp((*at)->path, path) != 0)
    at = &(*at)->next;
  struct temporary *row = *at;
  if (row)
    *at = row->next;
  pthread_mutex_unlock(&lock);
  free(row);
}

enum adze_status folder_make_temporary(char *out, struct adze_error *error) {
  const char *root = getenv("TMPDIR");
  if (!root || !*root)
    root = "/tmp";
  int size = snprintf(out, PATH_MAX, "%s/adze-XXXXXX", root);
  if (size < 0 || size >= PATH_MAX)
    return fail(error, ADZE_IO, "TMPDIR: the path is too long");
  struct temporary *row = malloc(sizeof *row + (size_t)size + 1);
  if (!row)
    return fail(error, ADZE_OUT_OF_MEMORY, "%s: memory ran out", root);
  memcpy(row->path, out, (size_t)size + 1);
  int problem = add_temporary(row);
  if (problem != 0) {
    free(row);
    return fail(error, ADZE_IO, "%s: can't make a temporary folder: %s", root,
                strerror(problem));
  }
  memcpy(out, row->path, (size_t)size + 1);
  return ADZE_OK;
}

static int remove_entry(const char *path, const struct stat *facts, int kind,
                        struct FTW *place) {
  (void)facts;
  (void)kind;
  (void)place;
  /* What can't be removed now stays; there is no one to tell. */
  remove(path);
  return 0;
}

static void remove_tree(const char *path) {
  nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void folder_remove(const char *path) {
  remove_tree(path);
  forget_temporary(path);
}

void folder_end_temporary(void) {
  pthread_mutex_lock(&lock);
  is_ending = true;
  for (const struct temporary *row = temporaries; row; row = row->next)
    /* Somebody may be writing into it meanwhile. */
    for (int tries = 0; tries < 100 && access(row->path, F_OK) == 0; tries++) {
      if (tries > 0)
        usleep(1000);
      remove_tree(row->path);
    }
  pthread_mutex_unlock(&lock);
}

static enum adze_status make_one(const char *path, struct adze_error *error) {
  struct stat facts;
  if (mkdir(path, 0777) == 0)
    return ADZE_OK;
  int code = errno;
  if (stat(path, &facts) == 0) {
    if (S_ISDIR(facts.st_mode))
      return ADZE_OK;
    code = ENOTDIR;
  }
  return fail(error, ADZE_IO, "%s: can't make the folder: %s", path,
              strerror(code));
}

enum adze_status folder_make(const char *path, struct adze_error *error) {
  char prefix[PATH_MAX];
  size_t size = strlen(path);
  if (size == 0 || size >= sizeof prefix)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "\"%.200s\": not a name for a folder", path);
  memcpy(prefix, path, size + 1);
  for (size_t i = 1; i < size; i++) {
    if (prefix[i] != '/' || prefix[i - 1] == '/')
      continue;
    prefix[i] = '\0';
    TRY(make_one(prefix, error));
    prefix[i] = '/';
  }
  return make_one(path, error);
}
