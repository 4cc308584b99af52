/// All loops of one level. A file of `levels/` includes this one after it has defined `LEVEL`, the level's name, and
/// unless loops are to be plain `LANES`, the number of elements of a vector.

#include <math.h>
#include <string.h>

#include "CScoringKernels.h"

// If the compiler could fuse multiplications and additions, levels that can would round differently from others.
#pragma STDC FP_CONTRACT OFF

/// How many pixels at once are looked at by loops that have nothing to do for most of them, to see whether there is
/// anything.
enum { GROUP = 16 };

#include "loops/elements.inl.h"
#include "loops/labels.inl.h"
#include "loops/exponentials.inl.h"
#include "loops/margins.inl.h"

#define SCORE float
#define NAME(FUNCTION) FUNCTION##_32
#include "loops/scores.inl.h"

#define SCORE double
#define NAME(FUNCTION) FUNCTION##_64
#include "loops/scores.inl.h"

#define SCORE float
#define NAME(FUNCTION) FUNCTION##_32
#include "loops/sampling.inl.h"

#define SCORE double
#define NAME(FUNCTION) FUNCTION##_64
#include "loops/sampling.inl.h"

#define SCORE float
#define KEY uint32_t
#define CLASS uint8_t
#define NAME(FUNCTION) FUNCTION##_32_8
#include "loops/pixels.inl.h"

#define SCORE float
#define KEY uint32_t
#define CLASS uint16_t
#define NAME(FUNCTION) FUNCTION##_32_16
#include "loops/pixels.inl.h"

#define SCORE double
#define KEY uint64_t
#define CLASS uint8_t
#define NAME(FUNCTION) FUNCTION##_64_8
#include "loops/pixels.inl.h"

#define SCORE double
#define KEY uint64_t
#define CLASS uint16_t
#define NAME(FUNCTION) FUNCTION##_64_16
#include "loops/pixels.inl.h"

#define CLASS uint8_t
#define NAME(FUNCTION) FUNCTION##_8
#include "loops/classes.inl.h"

#define CLASS uint16_t
#define NAME(FUNCTION) FUNCTION##_16
#include "loops/classes.inl.h"

static void divide(double *values, const double *totals, size_t count) {
    for (size_t i = 0; i < count; i++) values[i] = totals[i] > 0 ? values[i] / totals[i] : 0;
}

// A typed loop's function for all types, which chooses among those that the files above have defined.

#define BY_SCORES(NAME, IS_DOUBLE, ARGUMENTS) ((IS_DOUBLE) ? NAME##_64 ARGUMENTS : NAME##_32 ARGUMENTS)
#define BY_CLASSES(NAME, IS_WIDE, ARGUMENTS) ((IS_WIDE) ? NAME##_16 ARGUMENTS : NAME##_8 ARGUMENTS)
#define BY_BOTH(NAME, IS_DOUBLE, IS_WIDE, ARGUMENTS)                                                                   \
    ((IS_DOUBLE) ? BY_CLASSES(NAME##_64, IS_WIDE, ARGUMENTS) : BY_CLASSES(NAME##_32, IS_WIDE, ARGUMENTS))

#define SEGSCORE_LOOP(RESULT, NAME, PARAMETERS)
#define SEGSCORE_TYPED_LOOP(RESULT, NAME, CHOICE, FLAGS, PARAMETERS, ARGUMENTS)                                        \
    static RESULT NAME PARAMETERS { return CHOOSE(CHOICE, NAME, BARE FLAGS, ARGUMENTS); }
#define CHOOSE(CHOICE, ...) CHOICE(__VA_ARGS__)
#define BARE(...) __VA_ARGS__
#include "loops.inl.h"

// The level's table.

#define TABLE_OF(LEVEL) segscore_##LEVEL##_kernels
#define TABLE(LEVEL) TABLE_OF(LEVEL)
#define NAME_OF(LEVEL) #LEVEL
#define LEVEL_NAME(LEVEL) NAME_OF(LEVEL)

const segscore_kernels TABLE(LEVEL) = {
    .name = LEVEL_NAME(LEVEL),
#define SEGSCORE_LOOP(RESULT, NAME, PARAMETERS) .NAME = NAME,
#include "loops.inl.h"
};
