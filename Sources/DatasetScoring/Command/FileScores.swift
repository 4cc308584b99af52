import Files
import HTTPTypes
import Memory
import Scoring
import WebService

/// The scores of the arrays in two files.
package struct FileScores {
    let scores: DatasetScores

    /// The parameters that the scores were made with.
    let parameters: ScoreParameters

    /// The place of an image in the ranking.
    package struct Rank: Equatable {
        /// The index of the image.
        package let image: Int
        /// What the image is called; nil if it has no name.
        package var name: String?
        /// The score of the image, in `[0, 1]`; lower is more likely mislabelled.
        package let score: Double
        /// How many pixels of the image are issues.
        package let issuePixels: Int
    }

    /// The images, worst first.
    ///
    /// The issues of an image are its label issues if the method looks for these, otherwise its pixels below the
    /// threshold. If there is no threshold, cleanlab's default is used.
    package func ranking() -> [Rank] {
        let issues = IssuesFromScores(threshold: parameters.threshold ?? IssuesFromScores.defaultThreshold)
        let imageScores = scores.imageScores
        return scores.ranking().map { index in
            let (part, image) = scores.locate(index)
            let plane = part.shape.pixelsPerImage
            return Rank(
                image: index, score: imageScores[index],
                issuePixels: part.labelIssues?.counts.span[image]
                    ?? issues.count(part.pixelScores, image * plane..<(image + 1) * plane))
        }
    }

    /// Writes the regions of all images as CSV.
    ///
    /// - Parameters:
    ///   - path: The path of the file, which is replaced if it is there.
    ///   - processors: How many threads go over the images.
    /// - Returns: The path.
    /// - Throws: ``FileScoring/Failure`` if there are no regions, or the file cannot be written.
    package func writeRegions(to path: String, processors: Int) throws(FileScoring.Failure) -> String {
        do throws(Problem) {
            let table = try RegionTable(path, nil, parameters)
            try table.add(scores.parts[0], from: 0, on: ImageLoop(processors: processors))
            return try table.write()
        } catch {
            throw FileScoring.Failure(path: nil, problem: error)
        }
    }

    /// Writes `image_scores.npy` and `pixel_scores.npy`, `issues.npy` if there is a threshold, and `label_issues.npy`
    /// if the method looks for label issues.
    ///
    /// - Parameters:
    ///   - directory: The path of the directory, which is made if it does not exist. Files of these names in it are
    ///     replaced.
    /// - Returns: The paths of the files that were written.
    /// - Throws: ``FileScoring/Failure`` if the files cannot be written.
    package func write(to directory: String) throws(FileScoring.Failure) -> [String] {
        let arrays: [(ScoreParameters.Array, ArrayAnswer)]
        do throws(Problem) {
            arrays = try parameters.written.map { (array) throws(Problem) in
                (array, try scores.elements(array, threshold: parameters.threshold ?? 0))
            }
        } catch {
            throw FileScoring.Failure(path: directory, problem: error)
        }
        var paths: [String] = []
        do throws(FileError) {
            let folder = try OutputFolder(path: directory)
            for (name, array) in arrays {
                let file = "\(name.rawValue).npy"
                let npy = try FileError.wrapping { () throws(MemoryError) in try array.npy() }
                try folder.write(file, npy)
                paths.append("\(directory)/\(file)")
            }
        } catch {
            throw FileScoring.Failure(path: nil, problem: Problem(error))
        }
        return paths
    }
}
