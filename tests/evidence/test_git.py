"""What the collector says of real repositories, usual and unusual ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from app.errors import Invalid
from app.evidence.collecting import git
from app.evidence.collecting.git import collect
from app.evidence.git_record import parse
from tests.evidence.repositories import ADA, BO, Made, clone, repository


@pytest.fixture
def made(tmp_path):
    made = repository(tmp_path / "made")
    made.commit("first", features__income="income = 1\n")
    return made


def people(found):
    return [(one.name, one.email) for one in found]


class TestReachable:
    def test_a_commit_of_the_branch(self, made):
        head = made.git("rev-parse", "HEAD")
        record = collect(made.folder)
        assert (record.commit, record.reachable, record.reachable_from) == (head, True, "refs/heads/main")
        assert record.tool.startswith("git version")
        assert not record.shallow

    def test_a_commit_beside_it(self, made):
        made.git("switch", "--quiet", "--create", "side")
        made.commit("beside")
        record = collect(made.folder)
        assert (record.reachable, record.reachable_why) == (False, "")
        assert collect(made.folder, "side").reachable is True

    def test_an_abbreviated_or_older_commit(self, made):
        first = made.git("rev-parse", "HEAD")
        made.commit("second")
        record = collect(made.folder, commit=first[:9])
        assert (record.commit, record.reachable) == (first, True)
        assert (record.clean, record.clean_why) == (None, "another commit is checked out")

    def test_a_detached_head(self, made):
        made.git("switch", "--quiet", "--detach", "HEAD")
        assert (collect(made.folder).reachable, collect(made.folder).clean) == (True, True)

    def test_the_remotes_branch_comes_before_the_checkouts_own(self, made, tmp_path):
        copy = clone(made, tmp_path / "copy")
        copy.commit("only here")
        record = collect(copy.folder)
        assert (record.reachable, record.reachable_from) == (False, "refs/remotes/origin/main")

    def test_a_renamed_branch_is_not_guessed(self, made):
        made.git("branch", "--move", "main", "trunk")
        record = collect(made.folder)
        assert (record.reachable, record.reachable_from) == (None, None)
        assert record.reachable_why == "the checkout has no branch main: fetch it, or correct code.protected_branch"
        assert collect(made.folder, "trunk").reachable is True

    def test_a_shallow_clone_knows_what_it_has_and_says_what_not(self, made, tmp_path):
        first = made.git("rev-parse", "HEAD")
        made.commit("second")
        made.git("branch", "old", first)
        shallow = clone(made, tmp_path / "shallow", "--depth=1", "--no-single-branch")
        record = collect(shallow.folder)
        assert (record.shallow, record.reachable) == (True, True)
        record = collect(shallow.folder, commit=first)
        assert (record.reachable, "shallow" in record.reachable_why) == (None, True)

    @pytest.mark.filterwarnings("ignore")
    def test_made_up_history_does_not_count(self, made):
        main = made.git("rev-parse", "HEAD")
        made.git("switch", "--quiet", "--orphan", "side")
        side = made.commit("beside", other="x = 1\n")
        (made.folder / ".git" / "info").mkdir(exist_ok=True)
        (made.folder / ".git" / "info" / "grafts").write_text(f"{main} {side}\n")
        assert made.git("merge-base", "main", side) == side  # git itself believes it
        assert collect(made.folder).reachable is False
        (made.folder / ".git" / "info" / "grafts").unlink()
        made.git("replace", "--graft", main, side)
        assert made.git("merge-base", "main", side) == side
        assert collect(made.folder).reachable is False


class TestClean:
    def test_changed_new_and_deleted_files_by_name(self, made):
        odd = 'a "quoted"\nname é.py'
        (made.folder / odd).write_text("x")
        made.write(features__income="income = 2\n", features__new="y = 1\n")
        record = collect(made.folder)
        assert (record.clean, record.changed) == (False, 3)
        assert sorted(record.changes) == sorted([odd, "features/income.py", "features/new.py"])
        (made.folder / "features" / "income.py").unlink()
        assert "features/income.py" in collect(made.folder).changes
        assert parse(record.written()) == record

    def test_ignored_files_do_not_count(self, made):
        made.commit("ignore")
        (made.folder / ".gitignore").write_text("build/\n")
        made.commit("ignore")
        (made.folder / "build").mkdir()
        (made.folder / "build" / "model.skops").write_text("x")
        assert collect(made.folder).clean is True

    @pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
    def test_marking_a_file_as_unchanged_hides_nothing(self, made, flag):
        made.git("update-index", flag, "features/income.py")
        made.write(features__income="income = 'leak'\n")
        assert made.git("status", "--porcelain") == ""
        assert collect(made.folder).changes == ["features/income.py"]

    def test_staged_changes_count(self, made):
        made.write(features__income="income = 2\n")
        made.git("add", "--all")
        assert collect(made.folder).changes == ["features/income.py"]

    def test_the_whole_checkout_counts_from_any_folder(self, made):
        made.write(other="x = 1\n")
        assert collect(made.folder / "features").changes == ["other.py"]

    def test_many_changes_are_counted_and_the_first_named(self, made):
        made.write(**{f"new{i}": "" for i in range(60)})
        record = collect(made.folder)
        assert (record.changed, len(record.changes)) == (60, 50)

    def test_without_files_it_is_unknown(self, made, tmp_path):
        bare = clone(made, tmp_path / "bare", "--bare")
        record = collect(bare.folder)
        assert (record.clean, record.clean_why) == (None, "the repository has no files checked out")

    def test_nothing_is_written_into_the_repository(self, made):
        before = (made.folder / ".git" / "index").read_bytes()
        collect(made.folder)
        assert (made.folder / ".git" / "index").read_bytes() == before


class TestPeople:
    def test_author_committer_and_trailers(self, made):
        message = (
            "work\n\nReviewed-by: Cy <cy@example.com>\nNo trailer here\n\nReviewed-by: Di\n <di@example.com>\nX: y"
        )
        made.commit(message, author=ADA, committer=BO)
        record = collect(made.folder)
        assert (people(record.authors), people(record.committers)) == ([ADA], [BO])
        assert [(one.key, one.value) for one in record.trailers] == [
            ("Reviewed-by", "Di <di@example.com>"),
            ("X", "y"),
        ]

    def test_of_a_merge_all_that_it_brought_in(self, made):
        made.git("switch", "--quiet", "--create", "side")
        made.commit("one", author=BO, features__a="a = 1\n")
        made.commit("two\n\nReviewed-by: Cy <cy@example.com>", author=("Di", "di@example.com"))
        made.git("switch", "--quiet", "main")
        made.commit("on main", author=("Em", "em@example.com"))
        made.git("merge", "--quiet", "--no-ff", "side", "--message", "merge")
        record = collect(made.folder)
        assert sorted(people(record.authors)) == [ADA, BO, ("Di", "di@example.com")]
        assert [one.value for one in record.trailers] == ["Cy <cy@example.com>"]

    def test_bytes_that_are_no_text(self, made):
        made.git("config", "i18n.commitEncoding", "latin1")
        made.commit("work", author=("J\udcf6rg", "j@example.com"))
        assert collect(made.folder).authors[0].email == "j@example.com"


class TestFeatures:
    def found(self, made, *names, paths=("features",), **options):
        return {one.feature: one for one in collect(made.folder, "main", paths, names, **options).features}

    def test_the_first_commit_that_names_each(self, made):
        first = made.git("rev-parse", "HEAD")
        second = made.commit(
            "debt", at="2026-02-01T00:00:00Z", features__debt="def debt_ratio(row): return row['debt']\n"
        )
        made.commit("again", at="2026-03-01T00:00:00Z", features__debt="x = 1\n")
        made.commit("and again", at="2026-04-01T00:00:00Z", features__debt="debt = income\n")
        found = self.found(made, "income", "debt", "debt_ratio", "ratio")
        assert (found["income"].commit, found["debt"].commit, found["debt_ratio"].commit) == (first, second, second)
        assert found["debt"].at == datetime(2026, 2, 1, tzinfo=UTC)
        assert (found["ratio"].commit, found["ratio"].why) == (None, "no commit names it below the feature paths")

    def test_only_below_the_paths(self, made):
        made.commit("elsewhere", notebook="age = 1\n", features2__x="age = 1\n")
        assert self.found(made, "age")["age"].commit is None
        assert self.found(made, "age", paths=["."])["age"].commit is not None
        assert self.found(made, "age", paths=["./features2/"])["age"].commit is not None
        assert collect(made.folder, "main", [], ["age"]).features == []

    def test_a_name_with_signs_and_spaces_is_a_whole_word(self, made):
        made.commit("x", features__x="'mean radius (µm)', 'income+'\n")
        found = self.found(made, "mean radius (µm)", "mean", "income+", "rad")
        assert [one.feature for one in found.values() if one.commit] == ["mean radius (µm)", "mean", "income+"]

    def test_a_file_may_be_called_after_it(self, made):
        assert self.found(made, "tenure")["tenure"].commit is None
        added = made.commit("x", features__tenure="x = 1\n")
        assert self.found(made, "tenure")["tenure"].commit == added

    def test_the_earlier_of_the_two_dates(self, made):
        made.commit("x", at="2026-01-05T00:00:00Z", committed="2026-03-05T00:00:00Z", features__x="a1\n")
        made.commit("y", at="2026-05-05T00:00:00Z", committed="2026-03-06T00:00:00Z", features__x="b1\n")
        found = self.found(made, "a1", "b1")
        assert [(found[name].at.month, found[name].at.day) for name in ("a1", "b1")] == [(1, 5), (3, 6)]

    def test_side_branches_and_merges_that_add_something_themselves(self, made):
        made.git("switch", "--quiet", "--create", "side")
        aside = made.commit("aside", at="2026-02-01T00:00:00Z", features__income="income = 1\nage = 1\n")
        made.git("switch", "--quiet", "main")
        made.commit("on main", at="2026-02-02T00:00:00Z", features__other="x = 1\n")
        made.git("merge", "--quiet", "--no-commit", "side")
        merge = made.commit(
            "evil", at="2026-02-03T00:00:00Z", features__income="income = 1\nage = 1\nsmuggled = 1\n"
        )
        assert made.git("rev-list", "--count", "--merges", "HEAD") == "1"
        found = self.found(made, "age", "smuggled")
        assert (found["age"].commit, found["smuggled"].commit) == (aside, merge)

    def test_what_a_shallow_clone_begins_with_may_be_older(self, made, tmp_path):
        made.commit("two", features__two="two = 2\n")
        added = made.commit("three", features__three="three = 3\n")
        shallow = clone(made, tmp_path / "shallow", "--depth=2")
        found = self.found(shallow, "income", "two", "three")
        assert (found["income"].commit, found["two"].commit, found["three"].commit) == (None, None, added)
        assert "shallow" in found["two"].why

    def test_paths_with_signs_are_taken_literally(self, made):
        odd = made.folder / "fea*[1]"
        odd.mkdir()
        (odd / "x.py").write_text("age = 1\n")
        made.commit("odd")
        assert self.found(made, "age", paths=["fea*[1]"])["age"].commit is not None
        assert self.found(made, "age", "income", paths=["fea*"])["income"].commit is None


class TestRefused:
    def test_no_repository(self, tmp_path):
        with pytest.raises(Invalid, match="not a git repository"):
            collect(tmp_path)

    def test_no_folder(self, tmp_path):
        with pytest.raises(Invalid, match="cannot change to"):
            collect(tmp_path / "nowhere")

    def test_no_commit(self, tmp_path, made):
        with pytest.raises(Invalid, match="fatal"):
            collect(repository(tmp_path / "empty").folder)
        with pytest.raises(Invalid, match="fatal"):
            collect(made.folder, commit="--all")

    def test_no_git(self, made, monkeypatch):
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(Invalid, match="git cannot be run"):
            collect(made.folder)

    def test_git_that_takes_too_long_is_ended(self, made, monkeypatch):
        monkeypatch.setattr(git, "SECONDS", 0.0)
        with pytest.raises(Invalid, match="took longer"):
            collect(made.folder)

    def test_git_that_says_too_much_is_ended(self, made, monkeypatch):
        monkeypatch.setattr(git, "MOST_BYTES", 10)
        with pytest.raises(Invalid, match="more than 10 bytes"):
            collect(made.folder)

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"commit": "abc"}, "commit"),
            ({"clean": "maybe"}, "clean"),
            ({"authors": []}, "authors"),
            ({"more": 1}, "more"),
        ],
    )
    def test_documents_of_another_form(self, made, changes, path):
        document = json.loads(collect(made.folder).model_dump_json())
        with pytest.raises(Invalid, match=f"what git says: {path}: "):
            parse(json.dumps(document | changes).encode())


def test_variables_of_a_hook_do_not_lead_elsewhere(made, tmp_path, monkeypatch):
    other = repository(tmp_path / "other")
    other.commit("other")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    assert collect(made.folder).commit == Made(made.folder).git("rev-parse", "HEAD")
