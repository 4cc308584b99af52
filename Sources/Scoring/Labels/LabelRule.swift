/// What the values of labels stand for, if a value is not simply the class of the same number.
///
/// Values that are ignored are looked for among those that came; what is left goes through the change.
package struct LabelRule: Equatable, Sendable {
    /// What is done to a value that is not ignored.
    package enum Change: Equatable, Sendable {
        /// A value is the class of the same number.
        case identity
        /// The number is added to each value.
        case offset(Int64)
        /// 0 takes no part, k is class k − 1, and 255 still takes no part, as mmsegmentation's `reduce_zero_label` has
        /// it.
        case reduceZero
        /// Each value is what a table makes of it, and one that the table leaves out is an error.
        case map([Int64: Meaning])
    }

    /// What a value stands for.
    package enum Meaning: Equatable, Sendable {
        /// A class, below 65,535.
        case classIndex(Int)
        /// The pixel takes no part.
        case ignored
    }

    /// The values whose pixels take no part. An entry of a table that makes a class of this number ignores the pixel
    /// too.
    let ignored: Set<Int64>
    let change: Change

    /// - Parameters:
    ///   - ignored: Any numbers, of which there are few.
    package init(ignored: Set<Int64>, change: Change) {
        self.ignored = ignored
        self.change = change
    }

    /// The rule for labels that are classes, except those that are ignored; nil if the codes of labels as they come tell
    /// these apart.
    package init?(ignored: Set<Int64>) {
        if ignored.allSatisfy({ (0...Int64(RawLabels.largestOwn)).contains($0) }), ignored.count <= 1 { return nil }
        self.init(ignored: ignored, change: .identity)
    }

    var kind: LabelRuleKind {
        switch change {
        case .identity: .identity
        case .offset: .offset
        case .reduceZero: .reduceZero
        case .map: .map
        }
    }

    /// What a value stands for; nil if it is neither a class nor ignored.
    func meaning(of value: Int64) -> Meaning? {
        if ignored.contains(value) { return .ignored }
        switch change {
        case .identity: return Self.classOrNothing(value)
        case .offset(let offset):
            let (sum, overflow) = value.addingReportingOverflow(offset)
            return overflow ? nil : Self.classOrNothing(sum)
        case .reduceZero:
            return value == 0 || value == 255 ? .ignored : value > 0 ? Self.classOrNothing(value - 1) : nil
        case .map(let meanings):
            guard case .classIndex(let index)? = meanings[value] else { return meanings[value] }
            return ignored.contains(Int64(index)) ? .ignored : .classIndex(index)
        }
    }

    private static func classOrNothing(_ value: Int64) -> Meaning? {
        (0..<Int64(ClassCodes.other)).contains(value) ? .classIndex(Int(value)) : nil
    }
}
