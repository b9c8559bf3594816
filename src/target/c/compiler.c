/* SPDX-License-Identifier: Apache-2.0 */
/* Running the C compiler: `cc` from PATH, on a file in a private folder. Its
 * complaints go to a file there, whose first line goes into the error. */
#include "target/c/printer.h"

#include "base/child.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

/* The first line of a small file; "" when there is none. */
static const char *first_line(struct arena *arena, const char *path) {
  struct file_map map;
  if (file_map_open(path, &map, NULL) != ADZE_OK)
    return "";
  size_t size = 0;
  while (size < map.size && size < 300 && map.data[size] != '\n')
    size++;
  const char *line =
      arena_strndup(arena, map.size > 0 ? (const char *)map.data : "", size);
  file_map_close(&map);
  return line;
}

/* The child's signals are the usual ones, whatever this program does with its
 * own. Returns an errno. */
static int start(pid_t *child, char *const *arguments, const char *log) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (posix_spawn_file_actions_init(&actions) != 0)
    guard_out_of_memory();
  if (child_attributes_init(&attributes) != 0) {
    (void)posix_spawn_file_actions_destroy(&actions);
    guard_out_of_memory();
  }
  int failure = posix_spawn_file_actions_addopen(
      &actions, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (failure == 0)
    failure = posix_spawnp(child, arguments[0], &actions, &attributes,
                           arguments, environ);
  (void)posix_spawnattr_destroy(&attributes);
  (void)posix_spawn_file_actions_destroy(&actions);
  return failure;
}

static enum adze_status spawn(struct arena *arena, char *const *arguments,
                              const char *log, struct adze_error *error) {
  pid_t child;
  int failure = start(&child, arguments, log);
  if (failure != 0)
    return fail(error, ADZE_UNAVAILABLE,
                "the C compiler \"%s\", which the target \"c\" needs, can't "
                "be started: %s",
                arguments[0], strerror(failure));
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return fail(error, ADZE_IO, "waiting for the C compiler failed: %s",
                  strerror(errno));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return ADZE_OK;
  return fail(error, ADZE_INTERNAL,
              "the C compiler \"%s\" refuses generated code: %s", arguments[0],
              first_line(arena, log));
}

enum adze_status c_compiler_run(struct arena *arena, const char *folder,
                                const struct text *source, bool is_shared,
                                const char **out_path,
                                struct adze_error *error) {
  char *input = arena_printf(arena, "%s/code.c", folder);
  char *output =
      arena_printf(arena, "%s/code.%s", folder, is_shared ? "so" : "o");
  char *log = arena_printf(arena, "%s/log", folder);
  char *mode = arena_strdup(arena, is_shared ? "-shared" : "-c");
  char *const arguments[] = {"cc",
                             "-std=c11",
                             "-O2",
                             "-fPIC",
                             "-ffreestanding",
                             "-fno-stack-protector",
                             "-fno-asynchronous-unwind-tables",
                             "-fvisibility=hidden",
                             "-w",
                             mode,
                             "-o",
                             output,
                             input,
                             NULL};
  TRY(file_write_all(input, text_string(source), source->size, error));
  TRY(spawn(arena, arguments, log, error));
  *out_path = output;
  return ADZE_OK;
}
