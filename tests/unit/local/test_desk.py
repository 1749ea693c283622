"""The desk's users on the local stack."""

from binlocal.desk import KEPT, open_desk

OUTPUTS = {"DeskApi": "0a1b2c3d", "DeskUsers": "us-east-1_1", "DeskClient": "c1"}
ENDPOINT = "http://127.0.0.1:4566"


class Cognito:
    """Records who was created, and how the app client was changed."""

    def __init__(self):
        self.client, self.users = {"ClientId": "c1", "ClientName": "desk", "CallbackURLs": ["https://aws"]}, {}

    def describe_user_pool_client(self, **_):
        return {"UserPoolClient": self.client}

    def update_user_pool_client(self, **given):
        self.client = given

    def admin_create_user(self, **given):
        self.users[given["Username"]] = []

    def admin_set_user_password(self, **given):
        self.users[given["Username"]].append(given["Password"])

    def admin_add_user_to_group(self, **given):
        self.users[given["Username"]].append(given["GroupName"])


def test_each_role_has_a_user_with_a_new_password():
    first, second = Cognito(), Cognito()
    desk = open_desk(first, OUTPUTS, ENDPOINT)
    other = open_desk(second, OUTPUTS, ENDPOINT)

    assert first.users == {role: [password, role] for role, password in desk.passwords.items()}
    assert set(first.users) == {"supervisor", "counter", "viewer"}
    assert not set(desk.passwords.values()) & set(other.passwords.values())
    assert all(len(password) >= 16 for password in desk.passwords.values())


def test_people_sign_in_at_the_local_address_alone():
    cognito = Cognito()

    address = open_desk(cognito, OUTPUTS, ENDPOINT).address

    assert address == "http://127.0.0.1:4566/_aws/execute-api/0a1b2c3d/$default/"
    urls = {"CallbackURLs": [address], "LogoutURLs": [address]}
    assert cognito.client == {"UserPoolId": "us-east-1_1", "ClientId": "c1", "ClientName": "desk", **urls}
    assert "CallbackURLs" not in KEPT


def test_a_stack_without_a_desk_has_none():
    assert open_desk(Cognito(), {"DeskUsers": "us-east-1_1"}, ENDPOINT) is None
