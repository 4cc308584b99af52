#include "CScoringKernels.h"
