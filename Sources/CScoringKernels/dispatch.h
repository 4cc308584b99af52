#pragma once

/// Each loop is written once, in a `.inl.h` file that is included for every type it is wanted for; these choose.

#define BY_FLOATS(NAME, FLOATS, ...) ((FLOATS).is_double ? NAME##_64(__VA_ARGS__) : NAME##_32(__VA_ARGS__))

#define BY_CLASSES(NAME, CLASSES, ...) ((CLASSES).is_wide ? NAME##_16(__VA_ARGS__) : NAME##_8(__VA_ARGS__))

#define BY_BOTH(NAME, IS_DOUBLE, CLASSES, ...)                                                                         \
    ((IS_DOUBLE) ? BY_CLASSES(NAME##_64, CLASSES, __VA_ARGS__) : BY_CLASSES(NAME##_32, CLASSES, __VA_ARGS__))
