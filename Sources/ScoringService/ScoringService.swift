// ScoringService
