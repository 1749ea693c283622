import pytest
from binlocal.sagemaker.errors import ApiError
from binlocal.sagemaker.listing import page

JOBS = [
    {
        "TransformJobName": f"job-{number:02}",
        "CreationTime": float(number // 2),
        "LastModifiedTime": 100.0 + number,
        "TransformJobStatus": "Completed" if number % 3 else "Failed",
    }
    for number in range(25)
]


def names(**request):
    shown, _ = page(JOBS, "TransformJob", request)
    return [job["TransformJobName"] for job in shown]


def all_pages(jobs=JOBS, **request):
    found = []
    while True:
        shown, token = page(jobs, "TransformJob", request)
        found += [job["TransformJobName"] for job in shown]
        if token is None:
            return found
        request["NextToken"] = token


def test_the_newest_ten_come_first():
    assert names() == [f"job-{number:02}" for number in range(24, 14, -1)]


@pytest.mark.parametrize("sort_by", ["Name", "CreationTime", "Status"])
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("most", [1, 7, 25, 100])
def test_the_pages_contain_each_item_once(sort_by, order, most):
    found = all_pages(SortBy=sort_by, SortOrder=order, MaxResults=most)

    assert sorted(found) == [job["TransformJobName"] for job in JOBS]
    if sort_by == "Name":
        assert found == sorted(found, reverse=order == "Descending")


def test_an_item_added_between_two_pages_does_not_shift_them():
    shown, token = page(JOBS, "TransformJob", {"MaxResults": 20})
    newer = {"TransformJobName": "newer", "CreationTime": 1000.0, "TransformJobStatus": "InProgress"}

    rest, end = page([*JOBS, newer], "TransformJob", {"MaxResults": 20, "NextToken": token})

    assert sorted([*shown, *rest], key=lambda job: job["TransformJobName"]) == JOBS
    assert end is None


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        ({"NameContains": "B-2"}, {20, 21, 22, 23, 24}),
        ({"StatusEquals": "Failed"}, {0, 3, 6, 9, 12, 15, 18, 21, 24}),
        ({"CreationTimeAfter": 10.5}, {22, 23, 24}),
        ({"CreationTimeBefore": 1}, {0, 1}),
        ({"LastModifiedTimeAfter": 122, "LastModifiedTimeBefore": 124}, {23}),
    ],
)
def test_filters(request_, wanted):
    assert set(names(**request_)) == {f"job-{number:02}" for number in wanted}


def test_an_invalid_token_is_rejected():
    with pytest.raises(ApiError, match="Invalid NextToken"):
        names(NextToken="what?")
