import Files
import Scoring

extension FileArray {
    /// Finds one of some arrays in a file.
    ///
    /// A member of an archive or a tensor of a safetensors file has an array's name. A file of a single array, whose name
    /// tells nothing, holds the first; and so does, of an archive with one member, that one, if it is wanted.
    ///
    /// - Parameters:
    ///   - arrays: At least one.
    ///   - takesOnlyMember: Whether the only member of an archive is an array, whatever its name.
    static func find(
        _ arrays: [ScoringError.Array], in file: InputFile, takesOnlyMember: Bool = false
    ) -> (array: ScoringError.Array, file: FileArray) {
        let members = members(of: file)
        for member in members {
            guard let array = arrays.first(where: { $0.isCalled(member.array) }) else { continue }
            return (array, FileArray(file: file, member: member.name))
        }
        guard ZipMembers.isArchive(file) else { return (arrays[0], FileArray(file: file, member: nil)) }
        let only = takesOnlyMember && members.count == 1 ? members[0].name : nil
        return (arrays[0], FileArray(file: file, member: only ?? arrays[0].rawValue))
    }

    /// The member or tensor of a file that has an array's name; nil if there is none, or if the file is a single array.
    static func member(of file: InputFile, called array: ScoringError.Array) -> FileArray? {
        members(of: file).first { array.isCalled($0.array) }.map { FileArray(file: file, member: $0.name) }
    }

    /// The names of a file's members or tensors, and what they call their arrays; empty if the file is a single array.
    private static func members(of file: InputFile) -> [(name: String, array: String)] {
        guard ZipMembers.isArchive(file) else {
            return FileArray(file: file, member: nil).tensorNames.map { ($0, $0) }
        }
        return ZipMembers.names(in: file).map { ($0, NpzBody.arrayName($0) ?? "") }
    }
}
