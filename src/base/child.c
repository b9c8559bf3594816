/* SPDX-License-Identifier: Apache-2.0 */
#include "base/child.h"

#include <signal.h>

int child_attributes_init(posix_spawnattr_t *attributes) {
  int problem = posix_spawnattr_init(attributes);
  if (problem != 0)
    return problem;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(attributes, &none);
  posix_spawnattr_setsigdefault(attributes, &all);
  posix_spawnattr_setflags(attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  return 0;
}
