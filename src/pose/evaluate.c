/* SPDX-License-Identifier: Apache-2.0 */
/* COCO's keypoint evaluation: average precision and recall by object keypoint
 * similarity, equal to pycocotools in every rule and to rounding.
 *
 * OKS of a result and an annotated person is the mean over the labelled
 * keypoints of exp(-d^2 / (2 area (2 sigma)^2)). For each of ten thresholds
 * and each picture, results, best first and at most 20, take the most similar
 * person left that reaches the threshold; persons that are ignored (crowds,
 * without keypoints, outside the range of areas) are taken last, and a result
 * that took one counts neither way. Over all pictures, precision is made to
 * fall with recall and sampled at 101 recalls.
 */
#include <math.h>
#include <stdlib.h>

#include "pose/annotations.h"
#include "pose/keypoints.h"
#include "pose/results.h"

enum { THRESHOLD_COUNT = 10, RECALL_COUNT = 101, MOST_RESULTS = 20 };

/* Both ends belong to a range. */
struct area_range {
  double minimum, maximum;
};
static const struct area_range all_areas = {0, 1e10};
static const struct area_range medium_areas = {32 * 32, 96 * 96};
static const struct area_range large_areas = {96 * 96, 1e10};

/* A result as it takes part: sorted by picture, then score. */
struct candidate {
  const struct coco_result *result;
  size_t order;
  double area; /* of the box around all its keypoints */
};

/* One picture: candidates and persons of it, and their similarities. */
struct picture {
  const struct candidate *candidates;
  size_t candidate_count;
  const struct annotation *persons;
  size_t person_count;
  double *oks; /* [candidate_count][person_count] */
};

struct evaluation {
  struct arena *arena;
  VEC(struct picture) pictures;
};

static double threshold_at(int index) {
  return index == THRESHOLD_COUNT - 1
             ? 0.95
             : 0.5 + index * ((0.95 - 0.5) / (THRESHOLD_COUNT - 1));
}

/* ---- Similarity ---------------------------------------------------------- */

static double squared(double value) { return value * value; }

/* How far a place is outside the box, doubled around its centre. */
static double outside(double place, double start, double size) {
  return fmax(0, (start - size) - place) + fmax(0, place - (start + 2 * size));
}

static double similarity(const struct annotation *person,
                         const struct adze_person *found) {
  double sum = 0;
  int labelled = 0;
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    labelled += person->labelled[k];
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    double x = found->keypoints[k].x, y = found->keypoints[k].y;
    double distance;
    if (labelled && !person->labelled[k])
      continue;
    if (labelled)
      distance = squared(x - person->x[k]) + squared(y - person->y[k]);
    else
      distance = squared(outside(x, person->box[0], person->box[2])) +
                 squared(outside(y, person->box[1], person->box[3]));
    sum += exp(-(distance / squared(2 * pose_sigmas[k]) /
                 (person->area + 2.220446049250313e-16) / 2));
  }
  return sum / (labelled ? labelled : ADZE_KEYPOINT_COUNT);
}

/* ---- Pictures ------------------------------------------------------------ */

static int compare_candidates(const void *left, const void *right) {
  const struct candidate *a = left, *b = right;
  if (a->result->image_id != b->result->image_id)
    return a->result->image_id < b->result->image_id ? -1 : 1;
  float first = a->result->person.score, second = b->result->person.score;
  if (first != second)
    return first > second ? -1 : 1;
  return (a->order > b->order) - (a->order < b->order);
}

static double area_of(const struct adze_person *person) {
  double left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    left = fmin(left, person->keypoints[k].x);
    right = fmax(right, person->keypoints[k].x);
    top = fmin(top, person->keypoints[k].y);
    bottom = fmax(bottom, person->keypoints[k].y);
  }
  return (right - left) * (bottom - top);
}

/* Stable by picture: an index keeps the file's order. */
struct placed {
  struct annotation person;
  size_t order;
};

static int compare_placed(const void *left, const void *right) {
  const struct placed *a = left, *b = right;
  if (a->person.image_id != b->person.image_id)
    return a->person.image_id < b->person.image_id ? -1 : 1;
  return (a->order > b->order) - (a->order < b->order);
}

static struct annotation *sorted_persons(struct arena *arena,
                                         const struct annotations *read) {
  size_t count = read->persons.count;
  struct placed *placed = ARENA_ARRAY(arena, struct placed, count + 1);
  struct annotation *out = ARENA_ARRAY(arena, struct annotation, count + 1);
  for (size_t i = 0; i < count; i++)
    placed[i] = (struct placed){read->persons.data[i], i};
  qsort(placed, count, sizeof *placed, compare_placed);
  for (size_t i = 0; i < count; i++)
    out[i] = placed[i].person;
  return out;
}

static struct candidate *sorted_candidates(struct arena *arena,
                                           const adze_coco_results *results) {
  size_t count = results->results.count;
  struct candidate *out = ARENA_ARRAY(arena, struct candidate, count + 1);
  for (size_t i = 0; i < count; i++) {
    const struct coco_result *result = &results->results.data[i];
    out[i] = (struct candidate){result, i, area_of(&result->person)};
  }
  qsort(out, count, sizeof *out, compare_candidates);
  return out;
}

static void fill_similarities(struct arena *arena, struct picture *picture) {
  size_t persons = picture->person_count;
  picture->oks =
      ARENA_ARRAY(arena, double, picture->candidate_count *persons + 1);
  for (size_t i = 0; i < picture->candidate_count; i++)
    for (size_t j = 0; j < persons; j++)
      picture->oks[i * persons + j] = similarity(
          &picture->persons[j], &picture->candidates[i].result->person);
}

/* Splits both sorted lists by the pictures that are annotated. */
static void make_pictures(struct evaluation *evaluation,
                          const struct annotations *read,
                          const adze_coco_results *results) {
  struct arena *arena = evaluation->arena;
  const struct annotation *persons = sorted_persons(arena, read);
  const struct candidate *candidates = sorted_candidates(arena, results);
  size_t person = 0, candidate = 0;
  for (size_t i = 0; i < read->images.count; i++) {
    int64_t id = read->images.data[i];
    while (person < read->persons.count && persons[person].image_id < id)
      person++;
    while (candidate < results->results.count &&
           candidates[candidate].result->image_id < id)
      candidate++;
    struct picture picture = {.candidates = candidates + candidate,
                              .persons = persons + person};
    for (; person < read->persons.count && persons[person].image_id == id;
         person++)
      picture.person_count++;
    for (; candidate < results->results.count &&
           candidates[candidate].result->image_id == id;
         candidate++)
      if (picture.candidate_count < MOST_RESULTS)
        picture.candidate_count++;
    fill_similarities(arena, &picture);
    vec_push(arena, &evaluation->pictures, picture);
  }
}

/* ---- Matching ------------------------------------------------------------ */

/* What became of a candidate at one threshold. */
struct outcome {
  float score;
  size_t order; /* before sorting over all pictures */
  bool matched, ignored;
};

static bool in_range(double area, struct area_range range) {
  return area >= range.minimum && area <= range.maximum;
}

static bool is_ignored(const struct annotation *person,
                       struct area_range range) {
  return person->ignored || !in_range(person->area, range);
}

/* Persons that count first, then those ignored, each in the file's order. */
static size_t order_persons(const struct picture *picture,
                            struct area_range range, size_t *order) {
  size_t counted = 0, count = 0;
  for (int ignored = 0; ignored < 2; ignored++) {
    for (size_t i = 0; i < picture->person_count; i++)
      if (is_ignored(&picture->persons[i], range) == (ignored != 0))
        order[count++] = i;
    if (!ignored)
      counted = count;
  }
  return counted;
}

/* The place in `order` of the person a candidate takes, or person_count. */
static size_t best_person(const struct picture *picture, const double *oks,
                          const size_t *order, size_t counted,
                          const bool *taken, double threshold) {
  size_t best = picture->person_count;
  double least = fmin(threshold, 1 - 1e-10);
  for (size_t i = 0; i < picture->person_count; i++) {
    if (taken[i] && !picture->persons[order[i]].crowd)
      continue;
    if (best < counted && i >= counted)
      break;
    if (oks[order[i]] < least)
      continue;
    least = oks[order[i]];
    best = i;
  }
  return best;
}

typedef VEC(struct outcome) outcome_list;

/* Appends the outcomes of a picture; returns how many persons count. */
static size_t match_picture(struct arena *arena, const struct picture *picture,
                            struct area_range range, double threshold,
                            outcome_list *out) {
  size_t *order = ARENA_ARRAY(arena, size_t, picture->person_count + 1);
  bool *taken = ARENA_ARRAY(arena, bool, picture->person_count + 1);
  size_t counted = order_persons(picture, range, order);
  for (size_t i = 0; i < picture->candidate_count; i++) {
    const struct candidate *candidate = &picture->candidates[i];
    size_t best = best_person(picture, picture->oks + i * picture->person_count,
                              order, counted, taken, threshold);
    struct outcome outcome = {.score = candidate->result->person.score,
                              .order = out->count};
    if (best < picture->person_count) {
      taken[best] = true;
      outcome.matched = true;
      outcome.ignored = best >= counted;
    } else {
      outcome.ignored = !in_range(candidate->area, range);
    }
    vec_push(arena, out, outcome);
  }
  return counted;
}

/* ---- Precision and recall ------------------------------------------------ */

static int compare_outcomes(const void *left, const void *right) {
  const struct outcome *a = left, *b = right;
  if (a->score != b->score)
    return a->score > b->score ? -1 : 1;
  return (a->order > b->order) - (a->order < b->order);
}

/* Mean precision over the sampled recalls, and the last recall. */
static void measure(struct arena *arena, outcome_list *outcomes, size_t persons,
                    double *precision_out, double *recall_out) {
  double *recall = ARENA_ARRAY(arena, double, outcomes->count + 1);
  double *precision = ARENA_ARRAY(arena, double, outcomes->count + 1);
  size_t right = 0, wrong = 0, count = 0;
  if (outcomes->count)
    qsort(outcomes->data, outcomes->count, sizeof *outcomes->data,
          compare_outcomes);
  for (size_t i = 0; i < outcomes->count; i++) {
    right += outcomes->data[i].matched && !outcomes->data[i].ignored;
    wrong += !outcomes->data[i].matched && !outcomes->data[i].ignored;
    recall[count] = (double)right / (double)persons;
    precision[count++] =
        (double)right / ((double)(wrong + right) + 2.220446049250313e-16);
  }
  for (size_t i = count; i-- > 1;)
    precision[i - 1] = fmax(precision[i - 1], precision[i]);
  double sum = 0;
  size_t at = 0;
  for (int i = 0; i < RECALL_COUNT; i++) {
    double wanted = i == RECALL_COUNT - 1 ? 1 : i * (1.0 / (RECALL_COUNT - 1));
    while (at < count && recall[at] < wanted)
      at++;
    sum += at < count ? precision[at] : 0;
  }
  *precision_out = sum / RECALL_COUNT;
  *recall_out = count ? recall[count - 1] : 0;
}

/* For each threshold; -1 when there is nobody to find. */
struct curve {
  double precision[THRESHOLD_COUNT], recall[THRESHOLD_COUNT];
};

static struct curve measure_range(const struct evaluation *evaluation,
                                  struct area_range range) {
  struct curve curve;
  for (int t = 0; t < THRESHOLD_COUNT; t++) {
    outcome_list outcomes = {0};
    size_t persons = 0;
    for (size_t i = 0; i < evaluation->pictures.count; i++)
      persons += match_picture(evaluation->arena, &evaluation->pictures.data[i],
                               range, threshold_at(t), &outcomes);
    curve.precision[t] = curve.recall[t] = -1;
    if (persons)
      measure(evaluation->arena, &outcomes, persons, &curve.precision[t],
              &curve.recall[t]);
  }
  return curve;
}

static double mean(const double values[THRESHOLD_COUNT]) {
  double sum = 0;
  for (int t = 0; t < THRESHOLD_COUNT; t++)
    sum += values[t];
  return sum / THRESHOLD_COUNT;
}

/* Over the persons that count: the best similarity of any result. */
static void mean_similarity(const struct evaluation *evaluation,
                            struct adze_coco_scores *out) {
  double sum = 0;
  for (size_t i = 0; i < evaluation->pictures.count; i++) {
    const struct picture *picture = &evaluation->pictures.data[i];
    for (size_t j = 0; j < picture->person_count; j++) {
      double best = 0;
      if (picture->persons[j].ignored)
        continue;
      for (size_t k = 0; k < picture->candidate_count; k++)
        best = fmax(best, picture->oks[k * picture->person_count + j]);
      sum += best;
      out->persons++;
    }
  }
  out->mean_oks = out->persons ? sum / (double)out->persons : -1;
}

struct evaluate_job {
  const adze_coco_results *results;
  const char *path;
  struct adze_coco_scores *out;
  struct arena *arena;
  struct adze_error *error;
};

static enum adze_status evaluate_body(void *argument) {
  struct evaluate_job *job = argument;
  struct evaluation evaluation = {.arena = job->arena};
  struct annotations read;
  TRY(annotations_read(job->arena, job->path, &read, job->error));
  make_pictures(&evaluation, &read, job->results);
  struct curve all = measure_range(&evaluation, all_areas);
  struct curve medium = measure_range(&evaluation, medium_areas);
  struct curve large = measure_range(&evaluation, large_areas);
  *job->out = (struct adze_coco_scores){
      .ap = mean(all.precision),
      .ap50 = all.precision[0],
      .ap75 = all.precision[5],
      .ap_medium = mean(medium.precision),
      .ap_large = mean(large.precision),
      .ar = mean(all.recall),
      .ar50 = all.recall[0],
      .ar75 = all.recall[5],
      .ar_medium = mean(medium.recall),
      .ar_large = mean(large.recall),
  };
  mean_similarity(&evaluation, job->out);
  return ADZE_OK;
}

enum adze_status adze_coco_evaluate(const adze_coco_results *results,
                                    const char *annotations,
                                    struct adze_coco_scores *out,
                                    struct adze_error *error) {
  struct evaluate_job job = {results, annotations, out,
                             arena_create("evaluation"), error};
  if (!job.arena)
    return fail(error, ADZE_OUT_OF_MEMORY, "%s: no memory to evaluate poses",
                annotations);
  enum adze_status status = guard_run(evaluate_body, &job, error);
  arena_destroy(job.arena);
  return status;
}
