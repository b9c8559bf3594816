/* SPDX-License-Identifier: Apache-2.0 */
/* Linking is left to lld, as a program: it links for every machine without a
 * cross toolchain, and in a process of its own a fault in it can't take the
 * compiler down. No shell is involved, and it runs in a private folder where
 * all names are ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adze_config.h"
#include "base/child.h"
#include "base/environment.h"
#include "package/format.h"

extern char **environ;

enum adze_status scratch_write(const char *path, const void *data, size_t bytes,
                               struct adze_error *error) {
  FILE *file = fopen(path, "wbe");
  bool written = file && fwrite(data, 1, bytes, file) == bytes;
  int problem = errno;
  if (file && fclose(file) != 0 && written) {
    written = false;
    problem = errno;
  }
  if (!written)
    return fail(error, ADZE_IO, "%s: can't write: %s", path, strerror(problem));
  return ADZE_OK;
}

enum adze_status link_write_objects(struct arena *arena, const char *folder,
                                    const struct package_code *code,
                                    const char ***names,
                                    struct adze_error *error) {
  const char **list = ARENA_ARRAY(arena, const char *, code->object_count + 1);
  for (size_t i = 0; i < code->object_count; i++) {
    list[i] = arena_printf(arena, "code%zu.o", i);
    TRY(scratch_write(arena_printf(arena, "%s/%s", folder, list[i]),
                      code->objects[i].data, code->objects[i].bytes, error));
  }
  *names = list;
  return ADZE_OK;
}

/* The first line that lld wrote, without its own name: the one that counts. */
static const char *first_line(const char *path, char *line, int line_bytes) {
  FILE *file = fopen(path, "re");
  char *read = file ? fgets(line, line_bytes, file) : NULL;
  if (file)
    fclose(file);
  if (!read)
    return "no message";
  line[strcspn(line, "\n")] = '\0';
  const char *message = strstr(line, "error: ");
  return message ? message + strlen("error: ") : line;
}

/* Ours, but with `folder` for temporary files: a linker that is killed (by a
 * limit of file sizes) leaves some, and the folder is removed. */
static char **child_environment(struct arena *arena, const char *folder) {
  size_t count = 0, kept = 0;
  while (environ[count])
    count++;
  char **list = ARENA_ARRAY(arena, char *, count + 2);
  for (size_t i = 0; i < count; i++)
    if (strncmp(environ[i], "TMPDIR=", 7) != 0)
      list[kept++] = environ[i];
  list[kept++] = arena_printf(arena, "TMPDIR=%s", folder);
  list[kept] = NULL;
  return list;
}

/* The child's signals are the usual ones, whatever this program does with its
 * own; output goes to `log`. Returns an errno. */
static int spawn(pid_t *child, const char *program, const char *folder,
                 const char *log, const char *const *arguments,
                 char **environment) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int problem = posix_spawn_file_actions_init(&actions);
  if (problem != 0)
    return problem;
  problem = child_attributes_init(&attributes);
  if (problem != 0) {
    posix_spawn_file_actions_destroy(&actions);
    return problem;
  }
  problem =
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  if (problem == 0)
    problem = posix_spawn_file_actions_addopen(
        &actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (problem == 0)
    problem = posix_spawn_file_actions_adddup2(&actions, 1, 2);
  if (problem == 0)
    problem = posix_spawn_file_actions_addchdir_np(&actions, folder);
  if (problem == 0)
    problem = posix_spawnp(child, program, &actions, &attributes,
                           (char *const *)(uintptr_t)arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return problem;
}

/* Its status as of waitpid. A program that ignores the end of its children
 * gets none (ECHILD): then the missing output tells. */
static int wait_for(pid_t child) {
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return 0;
  return status;
}

enum adze_status link_run(struct arena *arena, const char *folder,
                          const char *const *arguments, const char *what,
                          struct adze_error *error) {
  const char *program = environment_get(ENVIRONMENT_ADZE_LLD);
  if (!program)
    program = ADZE_LLD_PATH;
  if (!*program)
    return fail(error, ADZE_UNAVAILABLE,
                "%s: linking needs ld.lld (package lld-19), which was not "
                "there when adze was built; ADZE_LLD can name one",
                what);
  const char *start = program;
  char absolute[PATH_MAX]; /* it starts in another folder */
  if (strchr(program, '/') && realpath(program, absolute))
    start = absolute;
  VEC(const char *) list = {0};
  vec_push(arena, &list, "ld.lld"); /* lld acts by the name it is called */
  for (size_t i = 0; arguments[i]; i++)
    vec_push(arena, &list, arguments[i]);
  vec_push(arena, &list, NULL);
  const char *log = arena_printf(arena, "%s/log", folder);
  pid_t child;
  int problem = spawn(&child, start, folder, log, list.data,
                      child_environment(arena, folder));
  if (problem != 0)
    return fail(error, ADZE_UNAVAILABLE, "%s: the linker %s can't be run: %s",
                what, program, strerror(problem));
  int status = wait_for(child);
  if (WIFSIGNALED(status))
    return fail(error, ADZE_IO, "%s: the linker %s was ended by signal %d",
                what, program, WTERMSIG(status));
  char line[600];
  if (status != 0)
    return fail(error, ADZE_IO, "%s: the linker %s failed: %s", what, program,
                first_line(log, line, sizeof line));
  return ADZE_OK;
}
