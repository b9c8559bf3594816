/* SPDX-License-Identifier: Apache-2.0 */
/* Running: every worker of the pool calls the model's one entry function. The
 * environment that the code calls back into lives on the caller's stack.
 *
 * A profile needs no clock of its own per worker: a kernel lasts from when the
 * first worker starts it to when the first worker starts the next one, so one
 * number per kernel, lowered by whoever is earlier, is all that is kept.
 */
#include <stdatomic.h>

#include "runtime/instance.h"
#include "runtime/pool.h"

struct run {
  struct adze_abi_env env; /* .context points to this struct */
  adze_instance *instance;
};

static void run_barrier(struct adze_abi_env *env, int64_t worker,
                        int64_t workers) {
  (void)workers;
  struct run *run = env->context;
  pool_barrier(run->instance->pool, worker);
}

static int64_t run_claim(struct adze_abi_env *env, int64_t kernel,
                         int64_t parts, int64_t worker, int64_t workers) {
  (void)workers;
  struct run *run = env->context;
  return pool_claim(run->instance->pool, (uint32_t)kernel, (uint32_t)parts,
                    worker);
}

static void run_profile(struct adze_abi_env *env, int64_t worker,
                        int64_t kernel) {
  (void)worker;
  struct run *run = env->context;
  if (kernel < 0 || kernel >= run->instance->model->module->kernel_count)
    return; /* the end, which the caller sees for itself */
  _Atomic int64_t *start = &run->instance->starts[kernel];
  int64_t now = time_now_ns();
  int64_t earliest = atomic_load_explicit(start, memory_order_relaxed);
  while (now < earliest &&
         !atomic_compare_exchange_weak_explicit(
             start, &earliest, now, memory_order_relaxed, memory_order_relaxed))
    continue;
}

static void run_worker(void *argument, int64_t worker) {
  struct run *run = argument;
  const adze_instance *instance = run->instance;
  instance->model->module->run(&run->env, &instance->abi, worker,
                               adze_pool_threads(instance->pool));
}

static enum adze_status check_bound(const adze_instance *instance,
                                    struct adze_error *error) {
  struct adze_tensor_info tensor;
  for (size_t i = 0; i < adze_model_input_count(instance->model); i++)
    if (!instance->inputs[i]) {
      adze_instance_input(instance, i, &tensor);
      return fail(error, ADZE_INVALID_ARGUMENT, "%s: input '%s' is not bound",
                  instance->model->path, tensor.name);
    }
  for (size_t i = 0; i < adze_model_output_count(instance->model); i++)
    if (!instance->outputs[i]) {
      adze_instance_output(instance, i, &tensor);
      return fail(error, ADZE_INVALID_ARGUMENT, "%s: output '%s' is not bound",
                  instance->model->path, tensor.name);
    }
  return ADZE_OK;
}

static void run_once(adze_instance *instance, bool profile) {
  struct run run = {.env = {.context = &run,
                            .barrier = run_barrier,
                            .profile = profile ? run_profile : NULL,
                            .claim = run_claim},
                    .instance = instance};
  pool_run(instance->pool, run_worker, &run, instance->flush_denormals);
}

enum adze_status adze_instance_run(adze_instance *instance,
                                   struct adze_error *error) {
  TRY(check_bound(instance, error));
  run_once(instance, false);
  return ADZE_OK;
}

enum adze_status adze_instance_profile(adze_instance *instance, int64_t *ns,
                                       struct adze_error *error) {
  TRY(check_bound(instance, error));
  size_t count = adze_model_kernel_count(instance->model);
  for (size_t i = 0; i < count; i++)
    atomic_store_explicit(&instance->starts[i], INT64_MAX,
                          memory_order_relaxed);
  run_once(instance, true);
  int64_t end = time_now_ns();
  for (size_t i = count; i-- > 0;) {
    int64_t start =
        atomic_load_explicit(&instance->starts[i], memory_order_relaxed);
    if (start > end) /* never started */
      start = end;
    ns[i] = end - start;
    end = start;
  }
  return ADZE_OK;
}
