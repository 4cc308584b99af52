import Foundation
import JobStorage
import Scoring
import WebService

/// What a request says of a region.
struct DecisionMessage: Decodable {
    /// The most bytes that a reviewer's name may have, and a note.
    static let longestReviewer = 128
    static let longestNote = 4096

    /// The id of the region; nil if the path names it.
    private let region: String?
    private let verdict: String
    private let label: Int?
    private let note: String?
    private let reviewer: String?

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case region, verdict, label, note, reviewer
    }

    init(from decoder: any Decoder) throws {
        try AnyMember.refuse(in: decoder, except: CodingKeys.allCases.map(\.rawValue))
        let members = try decoder.container(keyedBy: CodingKeys.self)
        region = try members.decodeIfPresent(String.self, forKey: .region)
        verdict = try members.decode(String.self, forKey: .verdict)
        label = try members.decodeIfPresent(Int.self, forKey: .label)
        note = try members.decodeIfPresent(String.self, forKey: .note)
        reviewer = try members.decodeIfPresent(String.self, forKey: .reviewer)
    }

    /// The region that a message in a list names.
    ///
    /// - Throws: A 400 problem if it names none.
    func requireRegion() throws(Problem) -> String {
        guard let region else {
            throw .malformedBody("A decision names no region.", expected: "the id of a region as \"region\"")
        }
        return region
    }

    /// Proves that the message names no region, since the path does.
    ///
    /// - Throws: A 400 problem if it names one.
    func refuseRegion() throws(Problem) {
        guard let region else { return }
        throw Problem(
            .unknownParameter, "The path names the region, and the body must not.", parameter: "region",
            expected: "verdict, label, note, reviewer", actual: region)
    }

    /// The decision that the message is.
    ///
    /// - Parameters:
    ///   - region: The region that it is about.
    ///   - other: Who decides, if the message does not say.
    /// - Throws: A 400 problem for a value that is not allowed.
    func decision(
        on region: Region, of kind: RegionKind, classCount: Int, reviewer other: String?, at date: Date
    ) throws(Problem) -> Decision {
        guard let verdict = Decision.Verdict(rawValue: verdict), verdict != .withdrawn else {
            throw .invalidParameter("verdict", expected: "wrong, fine or unsure", actual: verdict)
        }
        let suggested = Int(region.suggested)
        if let label {
            guard verdict == .wrong, (0..<classCount).contains(label), label != Int(region.given) else {
                throw .invalidParameter(
                    "label",
                    expected:
                        "left out unless the verdict is wrong, and then a class from 0 to \(classCount - 1) other "
                        + "than the given one, \(region.given)", actual: String(label))
            }
        }
        return Decision(
            region.place(of: kind), given: Int(region.given), suggested: suggested, verdict,
            label: verdict == .wrong ? label ?? suggested : nil,
            reviewer: try Self.reviewer(reviewer ?? other ?? ""),
            note: try Self.text(note, "note", Self.longestNote), decidedAt: date)
    }

    /// Proves that a reviewer's name is short enough.
    ///
    /// - Throws: A 400 problem if it is not.
    static func reviewer(_ name: String) throws(Problem) -> String {
        try text(name, "reviewer", longestReviewer) ?? ""
    }

    private static func text(_ text: String?, _ name: String, _ limit: Int) throws(Problem) -> String? {
        guard let text else { return nil }
        guard !text.utf8.contains(0) else {
            throw .invalidParameter(name, expected: "a text without the character U+0000", actual: "one that has it")
        }
        guard text.utf8.count <= limit else {
            throw .invalidParameter(
                name, expected: "at most \(limit) bytes of UTF-8", actual: "\(text.utf8.count) bytes")
        }
        return text.isEmpty ? nil : text
    }
}

/// What a request says of many regions.
struct DecisionsMessage: Decodable {
    let decisions: [DecisionMessage]
    /// Who decides, where a decision does not say.
    let reviewer: String?

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case decisions, reviewer
    }

    init(from decoder: any Decoder) throws {
        try AnyMember.refuse(in: decoder, except: CodingKeys.allCases.map(\.rawValue))
        let members = try decoder.container(keyedBy: CodingKeys.self)
        decisions = try members.decode([DecisionMessage].self, forKey: .decisions)
        reviewer = try members.decodeIfPresent(String.self, forKey: .reviewer)
    }
}

/// The name of any member of an object.
private struct AnyMember: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }

    /// Proves that an object has no members but some, since one that is misspelt would be lost without a word.
    ///
    /// - Throws: A 400 problem if it has others.
    static func refuse(in decoder: any Decoder, except known: [String]) throws {
        let members = try decoder.container(keyedBy: AnyMember.self)
        guard let other = members.allKeys.first(where: { !known.contains($0.stringValue) }) else { return }
        throw Problem(
            .unknownParameter, "The decision has an unknown member.", parameter: other.stringValue,
            expected: known.joined(separator: ", "), actual: other.stringValue)
    }
}
