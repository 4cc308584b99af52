/// What a rule does to labels, without the numbers that it does it with.
package enum LabelRuleKind: String, Codable, Sendable {
    case identity
    case offset
    case reduceZero
    case map
}
