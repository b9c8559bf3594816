/* SPDX-License-Identifier: Apache-2.0 */
/* A stage is named when it begins; its counts are shown at most ten times a
 * second, since a terminal over a network is slower than the compiler.
 */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/text.h"

static const int64_t INTERVAL_NS = 100 * 1000 * 1000;

void progress_begin(struct progress *progress, const char *what, bool verbose) {
  *progress = (struct progress){
      .what = what, .terminal = isatty(STDERR_FILENO), .verbose = verbose};
}

/* With -v, in a log: how long the stage took. */
static void finish_stage(struct progress *progress, int64_t now) {
  if (progress->stage && progress->verbose)
    fprintf(stderr, "%s%s: %s: %.3f s\n", progress->terminal ? "\r\033[K" : "",
            progress->what, progress->stage,
            (double)(now - progress->stage_start) * 1e-9);
}

void progress_show(void *context, const char *stage, size_t done,
                   size_t total) {
  struct progress *progress = context;
  int64_t now = time_now_ns();
  bool begins = !progress->stage || !string_equal(progress->stage, stage);
  if (begins) {
    finish_stage(progress, now);
    progress->stage = stage;
    progress->stage_start = now;
  }
  if (!progress->terminal ||
      (!begins && now - progress->last_shown < INTERVAL_NS))
    return;
  progress->last_shown = now;
  fprintf(stderr, "\r\033[K%s: %s", progress->what, stage);
  if (total > 1)
    fprintf(stderr, " (%zu/%zu)", done, total);
  fflush(stderr);
}

void progress_end(struct progress *progress) {
  finish_stage(progress, time_now_ns());
  if (progress->terminal && progress->stage)
    fputs("\r\033[K", stderr);
  progress->stage = NULL;
}
