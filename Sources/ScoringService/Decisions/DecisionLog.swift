import Foundation
import JobStorage
import Memory
import Scoring
import WebService

/// What reviewers have decided about the regions of a job, in the order in which they did. Nothing is ever removed: a
/// decision that is taken back is followed by one that says so.
///
/// A decision takes less than 100 bytes.
struct DecisionLog: Sendable {
    /// A decision, with numbers in place of what many decisions share.
    private struct Entry {
        let firstPixel: Int
        let decidedAt: TimeInterval
        let image: UInt32
        /// The number of the decision before on the same region; -1 for the first.
        let previous: Int32
        let given: UInt16
        let suggested: UInt16
        /// The greatest number stands for none.
        let label: UInt16
        let reviewer: UInt16
        let kind: UInt16
        let verdict: UInt8

        var key: Key { Key(firstPixel: firstPixel, image: image, kind: kind) }
    }

    /// A region of some kind.
    private struct Key: Hashable {
        let firstPixel: Int
        let image: UInt32
        let kind: UInt16
    }

    private var entries: [Entry] = []
    /// The number of the latest decision on each region.
    private var latest: [Key: Int32] = [:]
    private var reviewers: [String] = []
    private var kinds: [RegionKind] = []
    private var notes: [Int: String] = [:]

    /// How many decisions there is memory for, and the memory.
    private var room = 0
    private var reservation: ByteReservation?

    /// The memory of an entry and of its key.
    private static let bytesOfADecision = 88

    var count: Int { entries.count }

    /// Makes room for decisions, so that ``append(_:)`` takes them.
    ///
    /// - Returns: The memory that was taken for texts, which ``giveBack(_:)`` takes if the decisions do not come.
    /// - Throws: A 400 problem if there are more reviewers or kinds of regions than can be told apart; 503 if memory is
    ///   short.
    mutating func prepare(for decisions: [Decision]) throws(Problem) -> Int {
        let newReviewers = Set(decisions.map(\.reviewer)).subtracting(reviewers)
        let newKinds = Set(decisions.map(\.place.kind)).subtracting(kinds)
        for (name, count) in [
            ("reviewer", reviewers.count + newReviewers.count), ("threshold", kinds.count + newKinds.count),
        ] {
            guard count > Self.limitOfShared else { continue }
            throw .invalidParameter(
                name, expected: "one of at most \(Self.limitOfShared) for a job", actual: "one more")
        }
        do throws(MemoryError) {
            if reservation == nil { reservation = try ByteReservation() }
            let needed = count + decisions.count
            if needed > room {
                // The list grows by little, since reviews are long and their memory is counted.
                let larger = max(needed, room + room / 16 + 64)
                try reservation?.grow(by: (larger - room) * Self.bytesOfADecision)
                room = larger
                entries.reserveCapacity(room)
            }
            let textBytes = decisions.reduce(0) { $0 + ($1.note.map { 96 + $0.utf8.count } ?? 0) }
            let sharedBytes = newReviewers.reduce(0) { $0 + 32 + $1.utf8.count }
            try reservation?.grow(by: textBytes + sharedBytes)
            return textBytes + sharedBytes
        } catch {
            throw Problem(error)
        }
    }

    /// Gives memory back that ``prepare(for:)`` took for decisions that were not added.
    func giveBack(_ byteCount: Int) { reservation?.shrink(by: byteCount) }

    /// How many reviewers there may be, and how many kinds of regions.
    private static let limitOfShared = 1000

    /// Adds a decision for which room was made.
    mutating func append(_ decision: Decision) {
        let kind = Self.number(of: decision.place.kind, in: &kinds)
        let key = Key(firstPixel: decision.place.firstPixel, image: UInt32(decision.place.image), kind: kind)
        let number = Int32(entries.count)
        let entry = Entry(
            firstPixel: key.firstPixel, decidedAt: decision.decidedAt.timeIntervalSinceReferenceDate, image: key.image,
            previous: latest[key] ?? -1, given: UInt16(decision.given), suggested: UInt16(decision.suggested),
            label: decision.label.map { UInt16($0) } ?? .max,
            reviewer: Self.number(of: decision.reviewer, in: &reviewers), kind: kind,
            verdict: UInt8(Decision.Verdict.allCases.firstIndex(of: decision.verdict) ?? 0))
        entries.append(entry)
        latest[key] = number
        if let note = decision.note { notes[Int(number)] = note }
    }

    private static func number<Element: Equatable>(of element: Element, in list: inout [Element]) -> UInt16 {
        if let known = list.firstIndex(of: element) { return UInt16(known) }
        list.append(element)
        return UInt16(list.count - 1)
    }

    /// The decision of a number below ``count``.
    subscript(number: Int) -> Decision {
        let entry = entries[number]
        let place = Decision.Place(
            kind: kinds[Int(entry.kind)], image: Int(entry.image), firstPixel: entry.firstPixel)
        return Decision(
            place, given: Int(entry.given), suggested: Int(entry.suggested),
            Decision.Verdict.allCases[Int(entry.verdict)], label: entry.label == .max ? nil : Int(entry.label),
            reviewer: reviewers[Int(entry.reviewer)], note: notes[number],
            decidedAt: Date(timeIntervalSinceReferenceDate: entry.decidedAt))
    }

    /// Whether nobody has said anything else since: neither the same reviewer about the same region, nor that it is
    /// taken back.
    func holds(_ number: Int) -> Bool {
        let entry = entries[number]
        guard Decision.Verdict.allCases[Int(entry.verdict)] != .withdrawn else { return false }
        let later = chain(from: latest[entry.key] ?? -1).prefix { $0 > number }
        return !later.contains { entries[$0].reviewer == entry.reviewer }
    }

    /// What holds of a region: the latest decision of each reviewer, the latest first.
    func standing(_ place: Decision.Place) -> [Decision] {
        chain(from: latest(on: place)).filter(holds).map { self[$0] }
    }

    /// The last word on a region: of several reviewers the one who decided last has it. Nil if no decision holds.
    func lastWord(on place: Decision.Place) -> Decision? {
        chain(from: latest(on: place)).first(where: holds).map { self[$0] }
    }

    /// The last words on all regions, in the order in which they came.
    ///
    /// - Parameter image: The image whose regions are meant; nil for all.
    func lastWords(ofImage image: Int? = nil) -> [Decision] {
        let numbers = latest.compactMap { key, number in
            image.map { $0 == Int(key.image) } ?? true ? chain(from: number).first(where: holds) : nil
        }
        return numbers.sorted().map { self[$0] }
    }

    /// The number of the latest decision on a region; -1 if there is none.
    private func latest(on place: Decision.Place) -> Int32 {
        guard let kind = kinds.firstIndex(of: place.kind) else { return -1 }
        let key = Key(firstPixel: place.firstPixel, image: UInt32(place.image), kind: UInt16(kind))
        return latest[key] ?? -1
    }

    /// The numbers of the decisions on a region, from one of them back to the first.
    private func chain(from number: Int32) -> some Sequence<Int> {
        sequence(first: number) { entries[Int($0)].previous }.lazy.prefix { $0 >= 0 }.map { Int($0) }
    }
}

extension [Decision] {
    /// Whether reviewers of one region are sure of different things.
    var isDispute: Bool {
        let sure = filter { $0.verdict == .wrong || $0.verdict == .fine }
        return sure.contains { $0.verdict != sure[0].verdict || $0.label != sure[0].label }
    }
}
